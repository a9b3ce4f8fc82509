"""generate: the clips that a place lacks, by threads of this process, or by Beam's workers part by part."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from noise2music.core.device import choose_device
from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.local_cache import cache_folder
from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets import parts as progress
from noise2music.labeling.datasets.parts import part_of
from noise2music.labeling.memorization.open_training_set import open_training_set
from noise2music.labeling.memorization.training_set import TrainingSet
from noise2music.labeling.scorers.base import Scorer
from noise2music.models.generation.cascade import load_cascade
from noise2music.models.generation.generate import read_ahead
from noise2music.models.job.identity import claim, job_identity
from noise2music.models.job.make import Maker, make_clips, stage_info
from noise2music.models.job.output_store import count_records
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.settings import GenerateSettings
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.scorer import open_scorer
from noise2music.pipelines.settings import RunSettings

STAGE = "generate"
_LIST_EVERY = 5.0

_loading = threading.Lock()
_loaded: dict[str, Maker] = {}


@dataclass(frozen=True)
class Job:
    """A batch job as it travels to the workers: they load what makes clips there, once a process."""

    settings: GenerateSettings

    def load(self) -> Maker:
        """What makes clips; threads of one process get the same. Raises UserError, also where the place holds clips made differently."""
        name = self.settings.model_dump_json()
        with _loading:
            if name not in _loaded:
                _loaded.clear()
                _loaded[name] = _load(self.settings)
            return _loaded[name]

    @property
    def clips_at_once(self) -> int:
        """Prompts that are handed to the cascade together: on a CPU each clip is made alone anyway."""
        if choose_device(self.settings.run.device) == "cpu":
            return 1
        return max(1, self.settings.generation.batch // self.settings.best_of)

    def read_ahead(self, prompts: Sequence[Prompt]) -> None:
        """What the text encoder says of them, once for all, where it cannot stay beside the stages."""
        read_ahead(self.load().cascade, [text for prompt in prompts for text in (prompt.prompt, prompt.negative) if text])

    def __call__(self, prompts: Sequence[Prompt]) -> None:
        """Make the clips of some prompts."""
        maker, size = self.load(), self.clips_at_once
        self.read_ahead(prompts)
        for start in range(0, len(prompts), size):
            group = prompts[start : start + size]
            make_clips(maker, group)
            progress.advance(STAGE, len(group))


def _load(settings: GenerateSettings) -> Maker:
    store = open_store(settings.out)
    scorer = open_scorer(settings.scorer, settings.run.device).load()
    cascade = load_cascade(settings.checkpoints, settings.generation, settings.run.device, settings.text_model, settings.revision)
    claim(store, job_identity(settings, cascade.identity, scorer.identity))
    return Maker(store, cascade, scorer, stage_info(cascade), settings.best_of, settings.format, _training_set(settings, scorer))


def _training_set(settings: GenerateSettings, scorer: Scorer) -> TrainingSet | None:
    if settings.against is None:
        return None
    training = open_training_set(settings.against, cache_folder() / "fingerprints", settings.against_split, settings.run.workers)
    if training.scorer != scorer.identity:
        raise UserError(
            f"{settings.against} was labelled with another scorer than {scorer.name}, so its embeddings cannot be compared with these. "
            "Set `scorer` to the one of that run."
        )
    return training


def make_missing(settings: GenerateSettings, missing: Sequence[Prompt], alone: bool) -> None:
    """Make clips, each a file, a picture and a record in the place; what fails is a dead letter there. Raises UserError.

    alone: whether nothing was in the place before. Otherwise another job may be at work here, and clips are made in an order of this
    job's own, so that two share the work instead of doing it twice; it changes no clip.
    """
    job = Job(settings)
    ordered = list(missing)
    if not alone:
        random.SystemRandom().shuffle(ordered)
    if settings.run.runner == "local":
        job.read_ahead(ordered)
        with show_progress(STAGE, len(ordered)):
            _pool(job, ordered)
    else:
        with show_progress(STAGE, len(ordered), _clips_there(open_store(settings.out))):
            _beam(job, ordered)


def _pool(job: Job, prompts: Sequence[Prompt]) -> None:
    """Groups are handed out as threads become free, so that a slow clip holds up nobody."""
    size = job.clips_at_once
    pool = ThreadPoolExecutor(job.settings.run.workers, thread_name_prefix=STAGE)
    try:
        for group in as_completed([pool.submit(job, prompts[start : start + size]) for start in range(0, len(prompts), size)]):
            group.result()
    except BaseException as error:
        # Clips in hand are finished when one fails; Ctrl-C waits for nothing.
        pool.shutdown(wait=isinstance(error, Exception), cancel_futures=True)
        raise
    pool.shutdown()


def _beam(job: Job, prompts: Sequence[Prompt]) -> None:
    """Parts by the hash of the key, each made by one worker, clip after clip."""
    import apache_beam as beam

    from noise2music.pipelines.runners import new_pipeline, run_pipeline

    run = job.settings.run
    parts: defaultdict[int, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        parts[part_of(stable_id(prompt.key), run.parts)].append(prompt)
    pipeline = new_pipeline(
        RunSettings(runner="beam" if run.options else "local", workers=run.workers, mode=run.mode, options=run.options, device=run.device)
    )
    _ = pipeline | "parts" >> beam.Create(list(parts.values())) | "spread" >> beam.Reshuffle() | STAGE >> beam.Map(job)
    run_pipeline(pipeline)


def _clips_there(store: Store) -> Callable[[], str]:
    """Says how many clips the place holds, for clips of other processes and machines are not seen otherwise. Listed now and then."""
    said, when = "", 0.0

    def say() -> str:
        nonlocal said, when
        if not said or time.monotonic() - when > _LIST_EVERY:
            said, when = f"{count_records(store):,} clips in {store.uri}", time.monotonic()
        return said

    return say
