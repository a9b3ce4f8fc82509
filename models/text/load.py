"""Which text encoder a run uses."""

import torch
from pydantic import Field

from noise2music.core.settings import Settings
from noise2music.models.text import minilm
from noise2music.models.text.encoder import TextEncoder


class TextSettings(Settings):
    """`model`: "minilm", or the hub id or folder of a T5 encoder of any size (`revision`: of the hub id). `cache`: a folder where
    embeddings are kept between runs (None: in memory). `dropped`: share of examples that are trained without text (paper section 3.5).
    """

    model: str = Field(minilm.NAME, min_length=1)
    revision: str | None = None
    cache: str | None = None
    dropped: float = Field(0.1, ge=0, le=1)


def load_encoder(settings: TextSettings, device: str = "cpu", dtype: torch.dtype | None = None) -> TextEncoder:
    """The encoder, loaded and frozen. `dtype`: of a T5, part of its identity. Raises UserError that says what is missing."""
    if settings.model == minilm.NAME:
        return minilm.MiniLMEncoder(device)
    from noise2music.models.text.t5 import T5Encoder

    return T5Encoder(settings.model, settings.revision, device, dtype)
