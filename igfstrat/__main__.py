"""`python -m igfstrat`."""

from igfstrat.cli.main import main

main()
