"""What looking for copies will cost, measured on a few files of the sample."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from labeling.corpus import open_audio
from labeling.duplicates.recording import recognise
from labeling.errors import RowError
from pipelines.settings import LabelSettings

_MEASURED = 5


def fingerprint_hours(settings: LabelSettings, probed: Sequence[Mapping[str, Any]], hours_of_audio: float) -> float:
    """Hours that the stage fingerprint will take here, from the first files that were probed (rows of labeling.probe.probe_file)."""
    corpus = settings.corpus
    chain_seconds = corpus.fingerprint_seconds if corpus.copies == "near" else 0.0
    heard, taken = 0.0, 0.0
    # The first one also loads what the others need.
    for number, row in enumerate([*probed[:1], *probed[:_MEASURED]]):
        started = time.monotonic()
        try:
            with open_audio(corpus.audio, row["key"]) as file:
                recognise(file, chain_seconds, row["duration_ms"])
        except RowError:
            continue
        if number:
            heard += row["duration_ms"] / 1000
            taken += time.monotonic() - started
    return round(taken / max(heard, 1e-9) * hours_of_audio / settings.run.workers, 3) if heard else 0.0
