"""The page of a labeling run."""
