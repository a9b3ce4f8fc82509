"""`python -m noise2music.flows.cli` is n2m."""

from noise2music.flows.cli import main

main()
