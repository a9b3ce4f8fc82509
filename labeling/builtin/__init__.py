"""A vocabulary of our own: tags by category, and sentences composed by a grammar."""

from labeling.builtin.sentences import builtin_sentences
from labeling.builtin.tags import BuiltinTag, builtin_tags

__all__ = ["BuiltinTag", "builtin_sentences", "builtin_tags"]
