"""Listening tests: pages on which people judge clips and labels, and what their answers say."""
