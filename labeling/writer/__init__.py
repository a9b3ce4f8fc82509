"""LLM writers: an OpenAI-compatible server or a model in this process, behind one interface (labeling.writer.base)."""
