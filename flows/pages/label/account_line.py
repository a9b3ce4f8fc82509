"""One line of a run's account, and how it reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from noise2music.core.tally import most_common_first

MOST = 4


@dataclass(frozen=True)
class AccountLine:
    """One kind of thing, counted in whole numbers of `unit`: found = used + excluded (by reason) + dead (by reason)."""

    name: str
    unit: str
    found: int
    used: int
    excluded: Mapping[str, int] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        """What is found and neither used, excluded nor dead; negative when something is counted twice."""
        return self.found - self.used - sum(self.excluded.values()) - sum(self.dead.values())

    def amount(self, number: int) -> str:
        """A number of this line for people: "1,234 clips", or milliseconds as "20 min 34.6 s"."""
        if self.unit != "ms":
            return f"{number:,} {self.unit}"
        minutes, seconds = divmod(abs(number) / 1000, 60)
        text = f"{int(minutes):,} min {seconds:.1f} s" if minutes else f"{seconds:.1f} s"
        return text if number >= 0 else f"-{text}"

    @property
    def closing(self) -> str:
        """What does not close, in words; "" when all does."""
        if not self.missing:
            return ""
        return f"{self.amount(self.missing)} of {self.name} are " + (
            "neither used, excluded nor dead" if self.missing > 0 else "counted more than once"
        )

    def __str__(self) -> str:
        """One line: "audio: 20 min found = 18 min used + 2 min excluded (too_short) + 0.0 s dead"."""
        sides = [f"{self.amount(self.found)} found = {self.amount(self.used)} used"]
        for what, reasons in (("excluded", self.excluded), ("dead", self.dead)):
            if reasons:
                sides.append(f"{self.amount(sum(reasons.values()))} {what} ({self._reasons(reasons)})")
        return f"{self.name}: " + " + ".join(sides) + (f"; {self.closing}" if self.missing else "")

    def share(self, number: int) -> str:
        """A part of this line for people, its unit left out where it is plain."""
        return self.amount(number) if self.unit == "ms" else f"{number:,}"

    def _reasons(self, reasons: Mapping[str, int]) -> str:
        ordered = list(most_common_first(reasons).items())
        shown = [f"{reason} {self.share(number)}" for reason, number in ordered[:MOST]]
        return ", ".join([*shown, f"{len(ordered) - MOST} more"] if len(ordered) > MOST else shown)
