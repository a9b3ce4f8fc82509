"""From an LLM's replies to captions: a chain of small rules, each with a name, a reason and a count."""
