"""Which captions are near a clip: exact and inverted search, and what is drawn from what was found."""
