"""The short captions of the built-in vocabulary: single tags, each of one category (data/tags.toml)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, get_args

from noise2music.core.data_files import Words, read_toml
from noise2music.core.errors import UserError

Category = Literal["genre", "instrument", "mood", "tempo", "voice", "production", "use"]


@dataclass(frozen=True)
class BuiltinTag:
    """One short caption and the category it was written under."""

    text: str
    category: Category

    @property
    def is_label(self) -> bool:
        """Whether the tag may label music. Scorers read "no guitar" as guitar; only for voices do they understand absence."""
        return self.category == "voice" or not self.text.startswith("no ")


@cache
def tags_by_category() -> Mapping[Category, tuple[str, ...]]:
    """The tags of every category, in the file's order. Raises UserError where the file lacks a category or repeats a tag."""
    lists = read_toml(__package__, "tags.toml", dict[Category, Words])
    if missing := [category for category in get_args(Category) if category not in lists]:
        raise UserError(f"{__package__}, data/tags.toml: there are no tags of the category {', '.join(missing)}")
    return lists


def builtin_tags() -> list[BuiltinTag]:
    """All built-in tags, category by category, each text once."""
    return [BuiltinTag(text, category) for category, texts in tags_by_category().items() for text in texts]
