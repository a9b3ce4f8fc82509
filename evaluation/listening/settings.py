"""What a listening test and an audit can be told."""

from typing import Literal

from pydantic import Field, model_validator

from noise2music.core.settings import Settings


class _Sheets(Settings):
    """What both have. seconds: of a clip, its middle. must_hear: seconds of each clip before it can be judged. repeats: items that a rater
    judges twice. loudness: LUFS of every clip, None leaves levels.
    """

    out: str
    seconds: float = Field(10.0, gt=0, le=600)
    must_hear: float = Field(3.0, ge=0, le=600)
    loudness: float | None = Field(-23.0, ge=-60, le=0)
    absurd: bool = True
    seed: int = Field(0, ge=0, lt=2**63)


class ListenSettings(_Sheets):
    """A listening test. systems: PATH or LABEL=PATH each. prompts: a file with the texts of clips whose place has none.

    sheets: raters that are planned for; a page has a sheet for each. pairs: those of a rater that count. raters_a_pair: how many raters
    hear the same two clips; more tell how well raters agree, fewer mean more prompts. ask: the questions.
    """

    systems: tuple[str, ...]
    prompts: str | None = None
    sheets: int = Field(20, ge=1, le=1000)
    pairs: int = Field(24, ge=1, le=1000)
    repeats: int = Field(3, ge=0, le=1000)
    raters_a_pair: int = Field(2, ge=1, le=1000)
    ask: tuple[Literal["text", "quality"], ...] = ("text", "quality")

    @model_validator(mode="after")
    def _is_possible(self) -> "ListenSettings":
        if self.repeats > self.pairs:
            raise ValueError(f"repeats = {self.repeats} is more than pairs = {self.pairs}")
        if not self.ask or len(set(self.ask)) < len(self.ask):
            raise ValueError('ask names "text", "quality" or both')
        return self


class AuditSettings(_Sheets):
    """An audit of labels: `labels` of them, drawn from the current labels below `root`. There is one sheet, which all raters get.

    seconds: more than a listening test has, for a label is of its whole clip.
    """

    root: str
    labels: int = Field(100, ge=1, le=10_000)
    repeats: int = Field(5, ge=0, le=1000)
    seconds: float = Field(30.0, gt=0, le=600)
