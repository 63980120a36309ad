"""`python -m pointsman.cli`: the command line without its script."""

from pointsman.cli import main

main()
