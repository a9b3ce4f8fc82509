"""Makes the weights of the starter writer."""
