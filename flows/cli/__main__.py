"""`python -m flows.cli` is n2m."""

from noise2music.flows.cli import main

main()
