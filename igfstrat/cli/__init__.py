"""The command line: a verb a file, arguments to workflow to exit code, no logic."""
