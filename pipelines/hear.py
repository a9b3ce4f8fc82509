"""hear: the embeddings of many clips, made by Beam's workers into the cache from which an evaluation reads them.

The unit is the clip (evaluation/embedders/clips.py): a worker takes some clips at a time, and what is kept already is not heard again. So a
killed run goes on, and what a worker could not make is only made later.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import apache_beam as beam
import torch

from noise2music.core.ids import stable_id
from noise2music.core.storage import open_store
from noise2music.evaluation.embedders.base import Embedder, load_embedder
from noise2music.evaluation.embedders.clips import DeadClip, Sound, embed_clips
from noise2music.labeling.datasets import parts as progress
from noise2music.labeling.datasets.parts import part_of
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.settings import RunSettings

STAGE = "hear"

ReadSounds = Callable[[Sequence[str]], Iterable[Sound | DeadClip]]
"""Keys -> the clips, decoded and cut as the protocol says. It travels to the workers, so it is a class at a module's top, or a function."""


@lru_cache(maxsize=8)
def _load(name: str, device: str) -> Embedder:
    """Once a process."""
    return load_embedder(name, device)


@dataclass(frozen=True)
class _Hear:
    read: ReadSounds
    networks: tuple[str, ...]
    device: str
    cache: str

    def __call__(self, keys: Sequence[str]) -> None:
        # For good: threads that give each other back their number would let one of them compute on several for a while.
        torch.set_num_threads(1)
        sounds, store = list(self.read(keys)), open_store(self.cache)
        for name in self.networks:
            for _ in embed_clips(sounds, _load(name, self.device), store):
                progress.advance(STAGE, 1)


def hear_all(run: RunSettings, read: ReadSounds, keys: Sequence[str], networks: Sequence[str], cache: str, at_once: int = 32) -> None:
    """Keep the embeddings of all clips, by all networks, below the URI `cache`. Gives nothing: `embed_clips` then finds them there.

    at_once: clips that a worker holds decoded, while every network hears them. Raises UserError where a network cannot be had.
    """
    parts: dict[int, list[str]] = {}
    for key in keys:
        parts.setdefault(part_of(stable_id(key), -(-len(keys) // at_once)), []).append(key)
    groups = [part[start : start + at_once] for _, part in sorted(parts.items()) for start in range(0, len(part), at_once)]
    pipeline = new_pipeline(run)
    hear = _Hear(read, tuple(networks), run.device, cache)
    _ = pipeline | "clips" >> beam.Create(groups) | "spread" >> beam.Reshuffle() | STAGE >> beam.Map(hear)
    threads = torch.get_num_threads()
    try:
        with show_progress(STAGE, len(keys) * len(networks)):
            run_pipeline(pipeline)
    finally:
        torch.set_num_threads(threads)
