"""Text that conditions the cascade: un-pooled token embeddings of a frozen encoder (paper sections 2.6 and 4.3)."""
