"""Cleans an LLM's replies into captions by a chain of small rules, each with a name, a reason and a count."""
