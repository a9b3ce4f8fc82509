"""All styles of the grammar, by name."""

from labeling.builtin.style import Style
from labeling.builtin.styles_popular import POPULAR
from labeling.builtin.styles_traditional import TRADITIONAL

STYLES: dict[str, Style] = {**TRADITIONAL, **POPULAR}
