"""`python -m pointsman`: the command line without its script."""

from pointsman.cli import main

main()
