"""A job a file: what the command line and the Python interface run."""
