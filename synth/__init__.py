"""Music with a known truth: a composer and a renderer, the same bytes on every machine."""
