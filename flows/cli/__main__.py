"""`python -m flows.cli` is n2m."""

from flows.cli import main

main()
