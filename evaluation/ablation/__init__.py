"""A grid over how a cascade is sampled: its cells, what they cost, and their figures."""
