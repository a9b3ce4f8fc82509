"""All clips of a source, once through: decoded, cut by the protocol, guarded, and heard by every network."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError
from noise2music.core.storage import Store
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.embedders.clips import DeadClip, Sound, embed_clips
from noise2music.evaluation.guards import ClipFacts, check_clip, find_duplicates
from noise2music.evaluation.pairing import Chosen
from noise2music.evaluation.protocol import Protocol, scored_part
from noise2music.evaluation.sources import Recording, read_recordings
from noise2music.evaluation.statistics.clip_rows import ClipRows, clip_rows

_AT_ONCE = 32
"""Clips whose audio is kept while all networks hear them."""


@dataclass(frozen=True)
class Heard:
    """chosen: which clips. facts, contents: of each that lives: what the guards measured, hash of its samples. copies: key -> first key
    with the same samples. dead: key -> why no network hears it. deaf: network -> key -> why this one does not. rows: network -> embeddings,
    None where no clip is left.
    """

    chosen: Chosen
    facts: Mapping[str, ClipFacts]
    contents: Mapping[str, str]
    copies: Mapping[str, str]
    dead: Mapping[str, RowError]
    deaf: Mapping[str, Mapping[str, RowError]]
    rows: Mapping[str, ClipRows | None]

    @property
    def label(self) -> str:
        """Of the system."""
        return self.chosen.source.label


def hear(chosen: Chosen, protocol: Protocol, embedders: Sequence[Embedder], cache: Store | None, workers: int) -> Heard:
    """Everything that is known of a source's clips. A clip that fails is named, and the others go on."""
    facts: dict[str, ClipFacts] = {}
    contents: dict[str, str] = {}
    dead: dict[str, RowError] = {}
    deaf: dict[str, dict[str, RowError]] = {embedder.name: {} for embedder in embedders}
    rows: dict[str, list[tuple[str, Float32s]]] = {embedder.name: [] for embedder in embedders}
    waiting = read_recordings(chosen.source, chosen.keys)
    while chunk := list(islice(waiting, _AT_ONCE)):
        sounds: list[Sound | DeadClip] = []
        for key, heard in _decoded(chunk, protocol, workers):
            if isinstance(heard, RowError):
                dead[key] = heard
            else:
                sound, facts[key] = heard
                contents[key] = sound.content
                sounds.append(sound)
        for embedder in embedders:
            for item in embed_clips(sounds, embedder, cache, workers):
                if isinstance(item, DeadClip):
                    deaf[embedder.name][item.key] = item.error
                else:
                    rows[embedder.name].append((item.key, item.rows))
    return Heard(
        chosen,
        dict(sorted(facts.items())),
        contents,
        find_duplicates(contents),
        dict(sorted(dead.items())),
        deaf,
        {name: clip_rows(items) if items else None for name, items in rows.items()},
    )


def _decoded(
    chunk: Sequence[tuple[str, Callable[[], Recording]]], protocol: Protocol, workers: int
) -> Iterator[tuple[str, tuple[Sound, ClipFacts] | RowError]]:
    def one(item: tuple[str, Callable[[], Recording]]) -> tuple[str, tuple[Sound, ClipFacts] | RowError]:
        key, read = item
        try:
            recording = read()
            heard = scored_part(recording.audio, recording.rate, protocol)
            return key, (Sound(key, heard, protocol.sample_rate), check_clip(heard, protocol.sample_rate))
        except RowError as error:
            return key, error

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(one, chunk)
