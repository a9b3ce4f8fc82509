"""Networks that hear: audio to embeddings, each with its identity, and what they said of a clip kept."""
