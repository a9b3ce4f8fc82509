"""Label music with text at scale, train a cascade of diffusion models on it, generate music from text."""

__version__ = "0.2.0"
