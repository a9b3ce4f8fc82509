"""Makers of what ships with the packages. Not installed."""
