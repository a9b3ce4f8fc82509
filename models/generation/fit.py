"""Whether stages that were trained apart make one cascade."""

from collections.abc import Sequence
from itertools import pairwise

from labeling.errors import UserError
from models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES, Signal, Stage
from models.cascade.weights import WeightsHeader


def check_fit(headers: Sequence[WeightsHeader], checkpoints: str) -> None:
    """Of stages in their order: each starts from what the one before makes, and all read the same text.

    Raises UserError that names the two that do not fit.
    """
    for header in headers:
        _check_itself(header.stage, checkpoints)
    for before, after in pairwise(headers):
        _check_source(before, after, checkpoints)
    readers = [header for header in headers if header.text is not None]
    for header in readers[1:]:
        first = readers[0]
        if first.text is not None and header.text is not None and first.text.identity != header.text.identity:
            raise UserError(
                f"the stages in {checkpoints} do not fit: the {first.stage.name} ({first.preset}) reads text of {first.text.name} "
                f"({first.text.identity[:12]}), the {header.stage.name} ({header.preset}) of {header.text.name} "
                f"({header.text.identity[:12]}). Use stages that were trained with the same text encoder."
            )


def _check_source(before: WeightsHeader, after: WeightsHeader, checkpoints: str) -> None:
    source = after.stage.source
    if source is None or source.signal != before.stage.signal:
        wanted = "text alone" if source is None else _called(source.signal)
        raise UserError(
            f"the stages in {checkpoints} do not fit: the {before.stage.name} ({before.preset}) makes {_called(before.stage.signal)}, and "
            f"the {after.stage.name} ({after.preset}) starts from {wanted}. Use stages that were trained for each other."
        )
    if before.log_mel != after.log_mel:
        raise UserError(
            f"the stages in {checkpoints} do not fit: the {before.stage.name} and the {after.stage.name} were trained on spectrograms of "
            "other constants. Use stages that were trained for each other."
        )


def _check_itself(stage: Stage, checkpoints: str) -> None:
    """A header that describes a network which cannot take the stage's signals."""
    unet, source = stage.unet, stage.source
    mels = 80
    stacked = 1 if source is not None and source.enters == "stacked" else 0
    aligned = mels if source is not None and source.enters == "aligned" else 0
    made = mels if stage.signal.domain == "log_mel" else 1
    frame = FRAME_SAMPLES * stage.signal.rate // CORPUS_RATE
    wrong = (unet.channels_out, unet.channels_in, unet.aligned_channels) != (made, made + stacked, aligned)
    if wrong or (aligned and unet.stride != frame):
        raise UserError(
            f"the weights of the {stage.name} in {checkpoints} are of a network that does not fit its signals ({unet.channels_in} channels "
            f"in, {unet.channels_out} out, {unet.aligned_channels} aligned, stride {unet.stride}). Train that stage again."
        )


def _called(signal: Signal) -> str:
    return f"the spectrogram of {signal.rate} Hz audio" if signal.domain == "log_mel" else f"{signal.rate} Hz audio"
