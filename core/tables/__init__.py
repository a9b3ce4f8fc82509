"""Tables that somebody else made: one reader for csv, json, Parquet and text."""
