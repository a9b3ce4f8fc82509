"""What a stage made is made to agree with what it was made from, as far as that is known.

A source says all of a part of the signal: the band below its half rate of a waveform, the magnitudes of a spectrogram. A network leaves
noise there that need not be. Range-null space (Wang et al. 2023) for the former, Griffin and Lim's projections for the latter.
"""

from torch import Tensor

from models.cascade.pairs import in_full_scale, in_network_units
from models.cascade.stage import Stage
from models.network.inputs import Inputs
from models.signal.griffin_lim import drawn_towards
from models.signal.resample import downsample, fft_upsample


def agreeing(stage: Stage, x0: Tensor, inputs: Inputs) -> Tensor:
    """x0 (B, C, T) in network units -> the same, drawn towards what conditioned it; unchanged where the stage's sampling asks for none."""
    if stage.source is None or stage.sampling.projections == 0:
        return x0
    made = in_full_scale(stage, x0)
    if inputs.aligned is not None:
        made = drawn_towards(made, inputs.aligned, stage.sampling.projections)
    if inputs.stacked is not None:
        made = made + _below(in_full_scale(stage, inputs.stacked) - made, stage.signal.rate, stage.source.signal.rate)
    return in_network_units(stage, made)


def _below(wave: Tensor, rate: int, source_rate: int) -> Tensor:
    """What of a waveform (B, 1, T) the lower rate can hold."""
    return fft_upsample(downsample(wave[:, 0], rate, source_rate), source_rate, rate)[:, None]
