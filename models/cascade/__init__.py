"""The five stages of the cascade as five values, in three presets, and the training pair of each."""
