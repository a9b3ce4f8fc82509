"""What the paper's inference costs, to stand beside our own."""

from dataclasses import dataclass

from noise2music.core.data_files import read_toml


@dataclass(frozen=True)
class PaperStage:
    """One line of table 6."""

    stage: str
    ms_step: float
    steps: int
    seconds: float


@dataclass(frozen=True)
class PaperCost:
    """note: what must be known beside the figures."""

    note: str
    stages: tuple[PaperStage, ...]


def paper_cost() -> PaperCost:
    """Table 6 of arXiv 2302.03917v2."""
    return read_toml("noise2music.evaluation", "paper_cost.toml", PaperCost)
