"""Finished datasets: their identity, parts, build, reuse, and the set of shards that is current."""
