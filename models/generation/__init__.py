"""The cascade at work: from prompts to audio, by either route, from any stage to any stage."""
