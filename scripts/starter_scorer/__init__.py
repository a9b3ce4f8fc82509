"""Makes the weights of the starter scorer."""
