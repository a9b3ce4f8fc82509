"""Finds the captions near a clip by exact and inverted search, and draws labels from them."""
