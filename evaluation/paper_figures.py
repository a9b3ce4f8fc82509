"""What the paper reports, to stand beside our own figures, with a word on what is not comparable."""

from dataclasses import dataclass

from noise2music.core.data_files import read_toml


@dataclass(frozen=True)
class PaperFigure:
    """One line of the paper's tables; None where it has no figure."""

    set: str
    model: str
    vggish: float | None = None
    trill: float | None = None
    mulan: float | None = None
    text: float | None = None
    audio: float | None = None


@dataclass(frozen=True)
class PaperFigures:
    """note: what must be known before the figures are compared with others."""

    note: str
    figures: tuple[PaperFigure, ...]


def paper_figures() -> PaperFigures:
    """Tables 3 and 4 of arXiv 2302.03917v2."""
    return read_toml("noise2music.evaluation", "paper.toml", PaperFigures)
