"""The evaluation flow: systems' clips and a reference in; figures, statistics and a page out."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.audio.spectrogram import spectrogram_png
from noise2music.core.storage import Store, open_store
from noise2music.evaluation.embedders.base import Embedder, load_embedder
from noise2music.evaluation.evaluate import Evaluation, evaluate, plan_pairing
from noise2music.evaluation.protocol import Protocol, read_protocol, scored_part
from noise2music.evaluation.reference import FOLDER, write_reference
from noise2music.evaluation.results import RESULTS, RESULTS_TABLE, results_json, results_table
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.evaluation.sources import read_recordings
from noise2music.flows.call import Call, call_here
from noise2music.flows.pages.evaluation import Listening, listening, render_evaluation_page
from noise2music.flows.results import EVALUATION_PAGE, Evaluated
from noise2music.labeling.datasets.parts import parquet_bytes

log = logging.getLogger("n2m")

CLIPS = "clips"


def evaluate_clips(settings: EvaluateSettings, embedders: Sequence[Embedder] | None = None, call: Call = call_here) -> Evaluated:
    """Compare, and write results.parquet, results.json, the reference's statistics, and the page with the clips that it plays.

    embedders: networks that are loaded already, in place of `settings.networks`. Raises UserError.
    """
    protocol = read_protocol(settings.protocol)
    pairing = call("pairing", lambda: plan_pairing(settings))
    for said in pairing.said:
        log.warning("%s", said)
    store = open_store(settings.out)
    networks = embedders if embedders is not None else [load_embedder(name, settings.run.device) for name in settings.networks]
    evaluation: Evaluation = call("figures", lambda: evaluate(settings, protocol, networks, pairing))
    call("page", lambda: _write(store, settings, evaluation, networks))
    for said in evaluation.results.said:
        if said not in pairing.said:
            log.warning("%s", said)
    done = Evaluated(store, evaluation.results)
    log.info("Figures: %s", store.describe(RESULTS_TABLE))
    log.info("Page: %s", done.page)
    return done


def _write(store: Store, settings: EvaluateSettings, evaluation: Evaluation, networks: Sequence[Embedder]) -> None:
    """Figures last, so that a folder with figures has all that belongs to them."""
    lists = listening(evaluation, settings.shown)
    _write_clips(store, evaluation, lists, evaluation.protocol)
    with tempfile.TemporaryDirectory(prefix="n2m-") as folder:
        write_reference(Path(folder), evaluation.reference, networks, evaluation.protocol)
        for path in sorted(Path(folder).iterdir()):
            store.put_changed(f"{FOLDER}/{path.name}", path.read_bytes())
    shown = settings.as_json()
    store.put_changed(EVALUATION_PAGE, render_evaluation_page(evaluation, lists, shown).encode())
    table: pa.Table = results_table(evaluation.results.rows)
    store.put_changed(RESULTS_TABLE, parquet_bytes(table, table.schema))
    store.put_changed(RESULTS, results_json(evaluation.results))


def _write_clips(store: Store, evaluation: Evaluation, lists: Sequence[Listening], protocol: Protocol) -> None:
    """What the page plays: the part that was heard, as 16-bit FLAC, and how it looks. Named by what is heard, so two systems may share."""
    for heard in evaluation.heard:
        names = {clip.key: clip.name for item in lists if item.system == heard.label for clip in (*item.nearest, *item.farthest)}
        wanted = {key: heard.chosen.keys[key] for key in sorted(names) if store.head(f"{CLIPS}/{names[key]}.png") is None}
        for key, read in read_recordings(heard.chosen.source, wanted):
            recording = read()
            audio = scored_part(recording.audio, recording.rate, protocol)
            store.put(f"{CLIPS}/{names[key]}.flac", audio_bytes(audio, protocol.sample_rate))
            store.put(f"{CLIPS}/{names[key]}.png", spectrogram_png(audio, protocol.sample_rate))
