"""What a run will have to do, before it does anything: counted from the listing and from a sample of probed files."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flows.inputs import input_problems
from flows.plan_captions import captions_per_second, noted, plan_captions, plan_labels, splits_of, unlabelled_problems
from flows.plan_copies import fingerprint_hours
from flows.plan_write import plan_write
from labeling.clips import cut_clips
from labeling.corpus import AudioFile, list_corpus, open_audio
from labeling.describe import describe
from labeling.embed import clips_per_second
from labeling.errors import RowError, UserError
from labeling.facts import Facts
from labeling.ids import stable_id
from labeling.metadata import Described, Metadata
from labeling.opt_out import Entry, read_opt_outs
from labeling.probe import probe_file, probe_warnings
from labeling.settings import Corpus
from labeling.songs import Song
from pipelines.scorer import open_scorer
from pipelines.settings import LabelSettings

PROBED = 200
SHOWN = 20


def plan_writing(settings: LabelSettings) -> dict[str, Any]:
    """What writing alone will cost (flows.plan_write). With a table of songs no music is looked at. Raises UserError."""
    if not settings.is_written:
        raise UserError('no vocabulary is written by an LLM: add [vocabulary.llm_long] with kind = "written".')
    if settings.songs.source:
        return plan_write(settings, (), ())
    files = list_corpus(settings.corpus.audio).files
    return plan_write(settings, files, _named(_probe(settings, _sample(files))[0]))


def plan(settings: LabelSettings) -> dict[str, Any]:
    """Files, bytes, hours of audio, clips, windows, captions and the hours of computing that embedding them will take here.

    Durations come from up to 200 files, chosen by hash, and are scaled up by bytes; nothing is written. "problems": what would stop the
    run, a line each. Captions that an LLM has yet to write are not counted.
    """
    problems = list(input_problems(settings))
    files = list_corpus(settings.corpus.audio).files
    keys = [file.key for file in files]
    no_entries: tuple[Entry, ...] = ()
    entries = noted(problems, lambda: read_opt_outs(settings.corpus.opt_out) if settings.corpus.opt_out else no_entries, no_entries)
    no_table = Metadata({}, frozenset()), Described(dict.fromkeys(keys))
    metadata, described = noted(problems, lambda: describe(settings.corpus, keys), no_table)
    sample = _sample(files)
    probed, unreadable, read = _probe(settings, sample)
    captions = plan_captions(settings, problems)
    splits = splits_of(settings.corpus, described)
    seconds = sum(file["duration_ms"] for file in probed) / 1000
    clips_of = {file["key"]: len(cut_clips(stable_id("track", file["key"]), file["duration_ms"], settings.corpus)) for file in probed}
    clips = sum(clips_of.values())
    tracks = Counter(splits.values())
    by_split = tracks  # A share of the files stands for that of their clips, where not all are probed.
    if len(sample) == len(files):
        by_split = Counter({split: sum(clips_of.get(key, 0) for key, of in splits.items() if of == split) for split in tracks})
    total, sampled = sum(file.bytes for file in files), sum(file.bytes for file in sample)
    scale = total / max(1, sampled)
    scorer = open_scorer(settings.scorer, settings.run.device)
    rate, windows_a_clip = clips_per_second(scorer.load(), settings.corpus.clip_seconds)
    text_rate = captions_per_second(scorer.load(), captions.sample)
    all_clips, all_captions = round(clips * scale), sum(captions.number.values())
    planned = {
        "files": len(files),
        "bytes": total,
        "probed_files": len(sample),
        "unreadable_in_sample": unreadable,
        "not_as_declared_in_sample": sorted(
            f"{reason}: {file['key']}: {message}" for file in probed for reason, message in probe_warnings(file)
        )[:SHOWN],
        "hours_of_audio": round(seconds * scale / 3600, 3),
        "clips": all_clips,
        "windows": round(all_clips * windows_a_clip),
        "vocabularies": len(settings.vocabulary),
        "captions": all_captions,
        "labels": plan_labels(settings, all_clips, captions, by_split),
        "scorer": scorer.name,
        "device": scorer.device,
        "clips_per_second_and_worker": round(rate, 2),
        "embedding_hours": round(all_clips / max(rate * settings.run.workers, 1e-9) / 3600, 3),
        "captions_per_second_and_worker": round(text_rate, 2),
        "caption_embedding_hours": round(all_captions / max(text_rate * settings.run.workers, 1e-9) / 3600, 3),
        "reading_seconds_per_file": round(read / max(1, len(sample)), 4),
    }
    if settings.corpus.copies != "bytes":
        planned["fingerprint_hours"] = fingerprint_hours(settings, probed, seconds * scale / 3600)
    planned |= _tables(settings.corpus, entries, metadata, described)
    problems += unlabelled_problems(settings, tracks)
    if not clips and len(sample) == len(files):
        problems.append(f"none of {len(files):,} files gives a clip: they are shorter than corpus.min_seconds, or cannot be read")
    if settings.is_written and not problems:
        planned |= plan_write(settings, files, _named(probed))
    return planned | {"problems": problems}


def _tables(corpus: Corpus, entries: Sequence[Entry], metadata: Metadata, described: Described) -> dict[str, int]:
    """How the metadata table and the opt-out list meet the files."""
    planned = {"opt_out_entries": len(entries)} if corpus.opt_out else {}
    if not corpus.metadata:
        return planned
    return planned | {
        "metadata_rows": len(metadata.rows) + metadata.keyless + metadata.repeated,
        "metadata_rows_without_file": len(described.without_file),
        "files_without_metadata": len(described.known) + len(described.ambiguous) - described.met,
        **{f"files_matched_by_{step}": len(met) for step, met in sorted(described.by_step.items())},
    }


def _sample(files: Sequence[AudioFile]) -> list[AudioFile]:
    return sorted(files, key=lambda file: stable_id("plan", file.key))[:PROBED]


def _named(probed: Sequence[Mapping[str, Any]]) -> list[Song]:
    """The songs that files name themselves."""
    return [Song.of(file["tag_title"], file["tag_artist"], Facts(tuple(file["tag_genres"]))) for file in probed if file["tag_title"]]


def _probe(settings: LabelSettings, sample: list[AudioFile]) -> tuple[list[dict[str, Any]], int, float]:
    """What is in each readable file, how many cannot be read, and the seconds it took."""
    found, unreadable, started = [], 0, time.monotonic()
    for file in sample:
        try:
            with open_audio(settings.corpus.audio, file.key) as opened:
                found.append(probe_file(opened, file.key, file.bytes, ""))
        except RowError:
            unreadable += 1
    return found, unreadable, time.monotonic() - started
