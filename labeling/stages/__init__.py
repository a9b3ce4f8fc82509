"""The labeling stages: each a plain function that makes one part, or one table, from its input parts."""
