"""A trained cascade as a folder for a model hub: weights, config.json and a model card."""
