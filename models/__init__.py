"""The diffusion cascade: networks, training, generation, evaluation. Reads labeled shards."""
