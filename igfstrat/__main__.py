"""`python -m igfstrat`."""

from igfstrat.cli.main import main

if __name__ == "__main__":
    main()
