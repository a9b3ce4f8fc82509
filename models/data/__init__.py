"""Training data straight from the shards of a labeling run."""
