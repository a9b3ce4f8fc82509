"""Finds copies of training clips and of recordings: nearest neighbours by the scorer's embeddings and by an audio fingerprint."""
