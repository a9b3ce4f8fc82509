"""Is a piece of audio a copy of a training clip? Nearest neighbours by the scorer's embeddings and by an audio fingerprint."""
