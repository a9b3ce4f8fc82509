"""A place with clips that no cascade made: tones with records, pictures and tags as a job writes them."""

import hashlib

import numpy as np

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.audio.spectrogram import spectrogram_png
from noise2music.core.storage import Store
from noise2music.models.job.output_store import audio_path, picture_path, record_path
from noise2music.models.job.prompt import Prompt
from noise2music.models.job.record import Candidate, ClipRecord, Neighbours, StageInfo
from noise2music.models.job.tags import clip_tags, with_tags

RATE = 24_000
STAGES = (
    StageInfo(stage="waveform-generator", weights="a1" * 32, sampler="ddim", steps=50, guidance=5.0),
    StageInfo(stage="waveform-cascader", weights="b2" * 32, sampler="ddim", steps=25, guidance=1.0),
)
TEXTS = ("slow piano", "тихая скрипка 🎻", "<b>loud</b> & 'fast' drums", "a very long prompt " * 60)


def make_clip(store: Store, number: int, seconds: float = 0.5) -> ClipRecord:
    """One clip, another for every number, written whole."""
    prompt = Prompt(f"clip-{number:03d}", TEXTS[number % len(TEXTS)], seconds, number, negative="noise" if number % 5 == 0 else None)
    time = np.arange(round(seconds * RATE)) / RATE
    audio = (0.3 * np.sin(2 * np.pi * (220 + 30 * (number % 20)) * time) * np.exp(-time / seconds)).astype(np.float32)
    tags = clip_tags(prompt, 0, STAGES, None, "noise2music test")
    data = with_tags(audio_bytes(audio, RATE), "flac", tags)
    score = round(0.2 + 0.1 * float(np.sin(number)), 6)
    record = ClipRecord.of(
        prompt,
        sample=1,
        init_sha256=None,
        audio=audio_path(prompt.key, "flac"),
        spectrogram=None,
        picture=picture_path(prompt.key),
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        rate=RATE,
        duration=seconds,
        rms_dbfs=-17.5 - number % 7,
        peak=0.3,
        stages=STAGES,
        calls=150,
        cut_tokens=12 if number % 4 == 3 else 0,
        warnings=("prompt cut by 12 tokens",) if number % 4 == 3 else (),
        score=score,
        candidates=(Candidate(sample=0, score=score - 0.1, kept=False), Candidate(sample=1, score=score, kept=True)),
        duplicates=Neighbours(nearest="a1", cosine=0.9, matching="b2", share=0.5, flagged=number % 6 == 5) if number % 3 == 2 else None,
        software="noise2music test",
        seconds_spent=1.25,
    )
    store.put(audio_path(prompt.key, "flac"), data)
    store.put(picture_path(prompt.key), spectrogram_png(audio, RATE))
    store.create(record_path(prompt.key), f"{record.line()}\n".encode())
    return record
