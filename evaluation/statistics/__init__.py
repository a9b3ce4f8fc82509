"""Distances between sets of clips, and how far they can be trusted. The unit is the clip, never the frame."""
