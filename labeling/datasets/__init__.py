"""Datasets: their identity, parts, build, reuse, and the current set of shards."""
