"""What an instrument is: a name, a range, a few presets. The presets themselves stand in `keyboards`, `plucked`, `struck`, `sustained`."""

from dataclasses import dataclass

from labeling.render.engines import Engine


@dataclass(frozen=True)
class Preset:
    """One make of an instrument. `drive` distorts the whole part, `tremolo` swings its loudness (Hz, depth 0..1)."""

    name: str
    engine: Engine
    drive: float = 0.0
    tremolo: tuple[float, float] | None = None


@dataclass(frozen=True)
class Timbre:
    """An instrument: `name` as people write it, the MIDI pitches it plays well, whether its notes last as long as they are held."""

    name: str
    low: int
    high: int
    holds: bool
    presets: tuple[Preset, ...]
