"""Scorers: audio and text into one space, behind one interface."""
