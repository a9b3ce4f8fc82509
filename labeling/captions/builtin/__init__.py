"""The built-in vocabulary: tags by category, and sentences from a grammar."""

from noise2music.labeling.captions.builtin.sentences import builtin_sentences
from noise2music.labeling.captions.builtin.tags import BuiltinTag, builtin_tags

__all__ = ["BuiltinTag", "builtin_sentences", "builtin_tags"]
