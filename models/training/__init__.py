"""Training: one trainer for every stage, counted in clips seen."""
