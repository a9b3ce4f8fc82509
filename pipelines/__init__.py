"""Beam: one module a stage of data, each a thin spread of a plain function over parts."""
