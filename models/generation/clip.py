"""A clip that a cascade made: its audio, what a listener should know of it, a file, and a player in a notebook."""

import base64
import html
from dataclasses import dataclass, field
from pathlib import Path

from noise2music.core.arrays import Float32s
from noise2music.core.audio.encode import AudioFormat, audio_bytes
from noise2music.core.errors import UserError
from noise2music.models.generation.request import Request

_FORMATS: dict[str, AudioFormat] = {".flac": "flac", ".wav": "wav"}


@dataclass(frozen=True, eq=False)
class GeneratedClip:
    """A clip that a cascade made; a notebook shows it as a player.

    Args:
        request: all that was asked for.
        audio: (samples,) float32 mono in [-1, 1] at `sample_rate`; empty where the cascade stops after its spectrogram generator.
        sample_rate: in Hz.
        spectrogram: (80, frames) scaled log-mel where the cascade stops there, otherwise None.
        rms_dbfs: root mean square of the whole clip in dB below full scale, -120 at least.
        peak: largest absolute sample.
        cut_tokens: tokens of the prompt that did not fit.
        calls: estimates of networks that it took, each window of a long signal counted.
        warnings: what a listener should know, in words.
    """

    request: Request
    audio: Float32s = field(repr=False)
    sample_rate: int
    spectrogram: Float32s | None = field(repr=False)
    rms_dbfs: float
    peak: float
    cut_tokens: int
    calls: int
    warnings: tuple[str, ...] = ()

    @property
    def prompt(self) -> str:
        """The text that it was made from."""
        return self.request.prompt

    @property
    def seed(self) -> int:
        """The seed of its noise."""
        return self.request.seed

    @property
    def seconds(self) -> float:
        """Length of the audio."""
        return len(self.audio) / self.sample_rate

    def save(self, path: str | Path) -> Path:
        """Write the audio to a file of 16 bits.

        Args:
            path: ends in .flac or .wav; its folder exists.

        Returns:
            The path.

        Raises:
            UserError: another ending, no audio, or the file cannot be written.
        """
        path = Path(path)
        kind = _FORMATS.get(path.suffix.lower())
        if kind is None:
            raise UserError(f"{path}: a clip is saved as .flac or .wav. Give a path with one of these endings.")
        if self.spectrogram is not None:
            raise UserError("there is no audio: this cascade stops after its spectrogram generator, and the clip's `spectrogram` is all.")
        try:
            path.write_bytes(audio_bytes(self.audio, self.sample_rate, kind))
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}.") from error
        return path

    def _repr_html_(self) -> str:
        """The prompt and a player with the audio inside."""
        warnings = "".join(f"<br><small>{html.escape(warning)}</small>" for warning in self.warnings)
        title = f"<b>{html.escape(self.prompt)}</b> (seed {self.seed}, {self.seconds:g} s){warnings}"
        if self.spectrogram is not None:
            return f"<div>{title}<br>a spectrogram, no audio</div>"
        data = base64.b64encode(audio_bytes(self.audio, self.sample_rate, "wav")).decode()
        return f'<div>{title}<br><audio controls src="data:audio/wav;base64,{data}"></audio></div>'
