"""When something is due: every so many clips, or so many times a run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Every:
    """Due whenever the count of clips passes a multiple of `clips`."""

    clips: int

    def is_due(self, clips: int, clips_a_step: int) -> bool:
        """Whether the step that brought the count to `clips` passed a multiple."""
        return clips // self.clips > (clips - clips_a_step) // self.clips


def every(clips: int | None, whole: int, times: int) -> Every:
    """Every `clips`, or where that is None `times` in a run of `whole` clips."""
    return Every(clips or max(1, -(-whole // times)))
