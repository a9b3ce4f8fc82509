"""Configurations to start from. Those of `n2m demo` are installed with the packages; the others lie in the repository."""
