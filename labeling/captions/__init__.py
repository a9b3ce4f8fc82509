"""Captions: reading, cleaning, normalising, and keeping evaluation captions out of training."""
