"""Tests of exported cascades."""
