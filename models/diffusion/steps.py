"""Step schedules: the steps of a sampler from t = 1 to t = 0 (paper section 3.4 and table 7), or from noise to data in log SNR."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import BeforeValidator
from torch import Tensor

from noise2music.models.diffusion.schedule import Schedule

StepSchedule = tuple[tuple[float, int], ...]
"""Run lengths from t = 0 upward: (part of the unit interval, in so many equal steps). They add up to 1."""

GENERATOR_FRONT_HEAVY: StepSchedule = ((0.01, 200), (0.04, 400), (0.15, 200), (0.3, 150), (0.5, 50))
CASCADER_FRONT_HEAVY: StepSchedule = ((0.05, 400), (0.15, 200), (0.3, 150), (0.5, 50))
SPECTROGRAM_BACK_HEAVY: StepSchedule = ((0.3, 50), (0.3, 150), (0.2, 300), (0.2, 500))
VOCODER_FRONT_HEAVY: StepSchedule = ((0.05, 50), (0.15, 30), (0.3, 15), (0.5, 5))


NOISIEST, CLEANEST = -2 * math.log(80.0), -2 * math.log(0.002)


def uniform(steps: int) -> StepSchedule:
    """`steps` equal steps."""
    return ((1.0, steps),)


def times(step_schedule: StepSchedule) -> Tensor:
    """Run lengths -> (steps + 1,) times in double precision, from 1 down to 0. Raises ValueError where they do not add up to 1."""
    whole = sum(part for part, _ in step_schedule)
    if not step_schedule or any(part <= 0 or steps < 1 for part, steps in step_schedule) or abs(whole - 1.0) > 1e-9:
        raise ValueError(f"step runs {step_schedule} do not cover the interval from 0 to 1")
    sizes = [part / steps for part, steps in step_schedule for _ in range(steps)]
    upward = torch.cat([torch.zeros(1, dtype=torch.float64), torch.tensor(sizes, dtype=torch.float64).cumsum(0)])
    upward[-1] = 1.0
    return upward.flip(0)


@dataclass(frozen=True)
class SigmaSpacing:
    """`steps` steps by the noise level alone, without regard to time.

    kind "log_snr": equal steps of log SNR. "karras": equal steps of (sigma / alpha)^(1 / rho), rho = 7 (Karras et al. 2022, equation 5).
    They lie between the ends of the schedule, or of that paper's range of sigma / alpha, 80 to .002, where the schedule goes further:
    steps at a log SNR of -20 would only be spent on noise.
    """

    # Files of weights may say "lambda".
    kind: Annotated[Literal["log_snr", "karras"], BeforeValidator(lambda kind: "log_snr" if kind == "lambda" else kind)]
    steps: int
    rho: float = 7.0

    def __call__(self, schedule: Schedule) -> Tensor:
        """(steps + 1,) log SNRs in double precision, ascending. Raises ValueError where there is no step."""
        if self.steps < 1:
            raise ValueError(f"a path has at least one step, not {self.steps}")
        ends = schedule(torch.tensor([1.0, 0.0], dtype=torch.float64)).clamp(NOISIEST, CLEANEST)
        share = torch.linspace(0.0, 1.0, self.steps + 1, dtype=torch.float64)
        if self.kind == "log_snr":
            return ends[0] + share * (ends[1] - ends[0])
        roots = torch.exp(-ends / 2 / self.rho)
        return -2 * self.rho * torch.log(roots[0] + share * (roots[1] - roots[0]))


def log_snrs(steps: StepSchedule | SigmaSpacing, schedule: Schedule) -> Tensor:
    """A step schedule -> (steps + 1,) log SNRs in double precision, ascending: what a sampler is given."""
    return steps(schedule) if isinstance(steps, SigmaSpacing) else schedule(times(steps))
