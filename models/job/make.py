"""Making clips: audio from the cascade, the best of several by the scorer, and its files, of which the record comes last.

The first writer of a file wins, here and among jobs that share a place: another's whole file is taken as it is, so that no record
ever disagrees with its audio.
"""

import hashlib
import io
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import soundfile
from mutagen import MutagenError

from noise2music.core.arrays import Float32s
from noise2music.core.audio.encode import AudioFormat, audio_bytes
from noise2music.core.audio.resample import resample
from noise2music.core.audio.spectrogram import picture_png, spectrogram_png
from noise2music.core.errors import RowError, UserError
from noise2music.core.put_first import put_first
from noise2music.core.storage import Store
from noise2music.labeling.memorization.training_set import TrainingSet
from noise2music.labeling.scorers.base import Scorer
from noise2music.models.cascade.weights import software
from noise2music.models.diffusion.steps import Runs, Spacing
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.request import Made, Request
from noise2music.models.job.init_audio import InitAudio, read_init
from noise2music.models.job.place import (
    audio_path,
    letter_path,
    picture_path,
    put_letter,
    read_clip,
    read_record,
    record_path,
    spectrogram_path,
)
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.record import Candidate, ClipRecord, Neighbours, StageFacts, clip_letter
from noise2music.models.job.tags import clip_tags, read_tags, with_tags

# What the manifest says of each stage that a clip went through.


def stage_facts(cascade: Cascade) -> tuple[StageFacts, ...]:
    """The stages of a cascade in their order, as they are sampled."""
    return tuple(
        StageFacts(
            stage=stage.name,
            weights=cascade.identity[stage.name],
            sampler=stage.sampling.sampler,
            steps=_steps(stage.sampling.runs),
            guidance=stage.sampling.guidance,
        )
        for stage in cascade.stages
    )


def _steps(runs: Runs | Spacing) -> int:
    return runs.steps if isinstance(runs, Spacing) else sum(steps for _, steps in runs)


# How well a clip fits its prompt, by the scorer: the cosine of the two.


DIGITS = 6


def embed_audio(scorer: Scorer, audio: Float32s, rate: int) -> Float32s:
    """(samples,) mono at `rate` Hz -> (dim,) unit vector: the mean over its windows. Raises RowError where that is no number."""
    windows = scorer.preprocess(resample(audio, rate, scorer.sample_rate))
    embedding = scorer.pool(scorer.encode_audio(windows).numpy().astype(np.float32))
    if not np.isfinite(embedding).all():
        raise RowError("not_finite", "the scorer gave NaN or infinity for this clip")
    return embedding


def embed_prompt(scorer: Scorer, prompt: str) -> Float32s:
    """A prompt -> (dim,) unit vector."""
    return np.asarray(scorer.embed_text([prompt]).joint_embeddings[0], np.float32)


def score(audio: Float32s, prompt: Float32s) -> float:
    """The cosine of two unit vectors, rounded so that sums in another order say the same."""
    return round(float(audio.astype(np.float64) @ prompt.astype(np.float64)), DIGITS)


log = logging.getLogger("n2m")

Outcome = Literal["made", "there", "dead"]

_OF_A_ROW = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
"""What a row may bring about that no guard foresaw. RuntimeError is not among them: a GPU that broke would make all rows dead."""


@dataclass(frozen=True)
class Maker:
    """What makes clips, loaded once a process and shared by its threads. training: what they are compared with, if anything."""

    store: Store
    cascade: Cascade
    scorer: Scorer
    stages: tuple[StageFacts, ...]
    best_of: int
    format: AudioFormat
    training: TrainingSet | None


@dataclass(frozen=True)
class _Tried:
    """A candidate: the clip, its embedding and its score, or why there is none."""

    sample: int
    made: Made | RowError
    embedding: Float32s | None = None
    score: float | None = None

    @property
    def rank(self) -> tuple[bool, float, int]:
        """The best comes first: one that could be made, with the highest score, of the lowest number."""
        return isinstance(self.made, RowError), -(self.score if self.score is not None else 0.0), self.sample


def make_clips(maker: Maker, prompts: Sequence[Prompt]) -> list[Outcome]:
    """Make and write the clips that are not there yet, several at once. What fails becomes a dead letter, alone.

    Raises UserError when the store refuses or does not answer, and when another job makes other clips under the same keys.
    """
    try:
        return _make_together(maker, prompts)
    except _OF_A_ROW as error:
        if len(prompts) > 1:
            return [outcome for prompt in prompts for outcome in make_clips(maker, [prompt])]
        log.debug("%s", prompts[0].key, exc_info=True)
        said = " ".join(str(error).split()) or "without a message"
        put_letter(maker.store, clip_letter(prompts[0], RowError("failed", f"{type(error).__name__}: {said}")))
        return ["dead"]


def _make_together(maker: Maker, prompts: Sequence[Prompt]) -> list[Outcome]:
    started = time.monotonic()
    outcomes: dict[str, Outcome] = {}
    inits: dict[str, InitAudio | None] = {}
    for prompt in prompts:
        there = read_clip(maker.store, prompt.key)
        if there is not None:
            _check_same(maker.store, prompt, there)
            outcomes[prompt.key] = "there"
            continue
        try:
            inits[prompt.key] = read_init(prompt)
        except RowError as error:
            put_letter(maker.store, clip_letter(prompt, error))
            outcomes[prompt.key] = "dead"
    fresh = [prompt for prompt in prompts if prompt.key in inits]
    asked = [_request(prompt, sample, inits[prompt.key]) for prompt in fresh for sample in range(maker.best_of)]
    answers = generate_requests(maker.cascade, asked)
    spent = (time.monotonic() - started) / max(1, len(fresh))
    for place, prompt in enumerate(fresh):
        mine = answers[place * maker.best_of : (place + 1) * maker.best_of]
        outcomes[prompt.key] = _finish(maker, prompt, mine, inits[prompt.key], spent)
    return [outcomes[prompt.key] for prompt in prompts]


def _check_same(store: Store, prompt: Prompt, there: ClipRecord) -> None:
    """Raise UserError where the clip that is there by now is another than what is asked for."""
    if there.request != prompt.request:
        raise UserError(
            f"another job has made another clip under the key {prompt.key} in {store.describe('')} meanwhile. It was left as it is. "
            "Give these rows other keys, or use another --out."
        )


def _request(prompt: Prompt, sample: int, init: InitAudio | None) -> Request:
    return Request(
        key=prompt.key,
        prompt=prompt.prompt,
        seconds=prompt.seconds,
        seed=prompt.seed,
        sample=sample,
        negative=prompt.negative,
        init=init.sound if init else None,
        keep=prompt.keep,
    )


def _finish(maker: Maker, prompt: Prompt, made: Sequence[Made | RowError], init: InitAudio | None, spent: float) -> Outcome:
    started = time.monotonic()
    tried = _scored(maker.scorer, prompt, made)
    best = min(tried, key=lambda item: item.rank)
    if isinstance(best.made, RowError):
        put_letter(maker.store, clip_letter(prompt, best.made))
        return "dead"
    clip, init_sha256 = best.made, init.sha256 if init else None
    if clip.spectrogram is None:
        audio, spectrogram = audio_path(prompt.key, maker.format), None
        tags = clip_tags(prompt, best.sample, maker.stages, init_sha256, software())
        written = with_tags(audio_bytes(clip.audio, clip.rate, maker.format), maker.format, tags)
        file = put_first(maker.store, audio, written, lambda theirs: _is_whole(theirs, tags, maker.format))
        drawn, duration = spectrogram_png(clip.audio, clip.rate), len(clip.audio) / clip.rate
    else:
        audio, spectrogram = None, spectrogram_path(prompt.key)
        file = put_first(maker.store, spectrogram, _array_bytes(clip.spectrogram))
        drawn, duration = picture_png(_light(clip.spectrogram)), clip.request.seconds
    files = [file, put_first(maker.store, picture_path(prompt.key), drawn)]
    record = ClipRecord(
        key=prompt.key,
        request=prompt.request,
        prompt=prompt.prompt,
        negative=prompt.negative,
        seed=prompt.seed,
        sample=best.sample,
        seconds=prompt.seconds,
        init=prompt.init,
        init_sha256=init_sha256,
        keep=prompt.keep,
        audio=audio,
        spectrogram=spectrogram,
        picture=picture_path(prompt.key),
        sha256=hashlib.sha256(file.data).hexdigest(),
        bytes=len(file.data),
        rate=clip.rate,
        duration=round(duration, 6),
        rms_dbfs=round(clip.rms_dbfs, 3) if audio else None,
        peak=round(clip.peak, 6) if audio else None,
        stages=maker.stages,
        calls=sum(item.made.calls for item in tried if not isinstance(item.made, RowError)),
        cut_tokens=clip.cut_tokens,
        warnings=(*clip.warnings, *(init.warnings if init else ())),
        score=best.score,
        candidates=tuple(_candidate(item, best) for item in tried),
        duplicates=_neighbours(maker.training, clip, best.embedding),
        software=software(),
        seconds_spent=round(spent + time.monotonic() - started, 3),
    )
    first = maker.store.create(record_path(prompt.key), (record.line() + "\n").encode())
    if first:
        for each in files:
            each.hold(maker.store)
    elif (there := read_record(maker.store, prompt.key)) is not None and there.sha256 != record.sha256:
        for each in files:
            each.give_back(maker.store)
        _check_same(maker.store, prompt, there)
    maker.store.delete(letter_path(prompt.key))
    return "made" if first else "there"


def _scored(scorer: Scorer, prompt: Prompt, made: Sequence[Made | RowError]) -> list[_Tried]:
    text = embed_prompt(scorer, prompt.prompt)
    tried: list[_Tried] = []
    for sample, item in enumerate(made):
        if isinstance(item, RowError) or item.spectrogram is not None:
            tried.append(_Tried(sample, item))
            continue
        try:
            embedding = embed_audio(scorer, item.audio, item.rate)
            tried.append(_Tried(sample, item, embedding, score(embedding, text)))
        except RowError as error:
            tried.append(_Tried(sample, error))
    return tried


def _neighbours(training: TrainingSet | None, clip: Made, embedding: Float32s | None) -> Neighbours | None:
    if training is None or embedding is None:
        return None
    return Neighbours(**asdict(training.find_duplicates(clip.audio, clip.rate, embedding)))


def _candidate(item: _Tried, best: _Tried) -> Candidate:
    failed = item.made.reason if isinstance(item.made, RowError) else None
    return Candidate(sample=item.sample, score=item.score, kept=item is best, failed=failed)


def _is_whole(data: bytes, tags: Mapping[str, str], kind: AudioFormat) -> bool:
    """Whether a file of a job that was killed, or is at work here, is the clip that these tags describe."""
    try:
        soundfile.read(io.BytesIO(data))
        return read_tags(data, kind) == tags
    except (soundfile.LibsndfileError, MutagenError):
        return False


def _array_bytes(values: Float32s) -> bytes:
    sink = io.BytesIO()
    np.save(sink, values, allow_pickle=False)
    return sink.getvalue()


def _light(spectrogram: Float32s) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(80, frames) -> the same in [0, 1], the loudest point brightest."""
    values = spectrogram.astype(np.float64)
    lowest, highest = float(values.min()), float(values.max())
    return (values - lowest) / max(highest - lowest, 1e-9)
