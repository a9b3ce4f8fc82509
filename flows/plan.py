"""What a run will have to do, before it does anything: counted from the listing and from a sample of probed files."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.flows.config import read_settings
from noise2music.flows.inputs import input_problems
from noise2music.flows.plan_captions import captions_per_second, noted, plan_captions, plan_labels, splits_of, unlabelled_problems
from noise2music.labeling.corpus.clips import cut_clips
from noise2music.labeling.corpus.describe import describe
from noise2music.labeling.corpus.facts import Facts
from noise2music.labeling.corpus.files import AudioFile, list_corpus, open_audio
from noise2music.labeling.corpus.metadata import Metadata, MetadataMatch
from noise2music.labeling.corpus.opt_out import Entry, read_opt_outs
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.memorization.recording import recognise
from noise2music.labeling.settings import Corpus
from noise2music.labeling.stages.embed import clips_per_second
from noise2music.labeling.stages.probe import probe_file, probe_warnings
from noise2music.labeling.stages.write import RequestBuilder
from noise2music.labeling.writer.base import Request, WriterStopped
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer.tokens import hub_tokens
from noise2music.models.cascade.presets import Preset, stage_of
from noise2music.models.cascade.stage import STAGES
from noise2music.models.training.plan import PEAKS, Device, plan_stage
from noise2music.models.training.recipe import recipe_of
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.scorer import open_scorer
from noise2music.pipelines.settings import LabelSettings
from noise2music.pipelines.songs import songs_of_table
from noise2music.pipelines.writer import open_writer

# What looking for copies will cost, measured on a few files of the sample.


_MEASURED = 5


def fingerprint_hours(settings: LabelSettings, probed: Sequence[Mapping[str, Any]], hours_of_audio: float) -> float:
    """Hours that the stage fingerprint will take here, from the first files that were probed (rows of labeling.stages.probe.probe_file)."""
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


# What writing will cost, before anything is asked: songs are counted, and real prompts are tokenised.


TOKENISED = 200
CHARACTERS_A_TOKEN = 4


def plan_write(settings: LabelSettings, files: Collection[AudioFile], described: Iterable[Song]) -> dict[str, Any]:
    """Songs, requests, tokens and money. `described`: songs of the files that were probed, for a corpus without a table.

    Prompts of up to TOKENISED songs, chosen by hash, are tokenised by the server, or by the model's own tokeniser, and scaled up.
    Where neither can be reached a token is taken for four characters, and `tokens_counted_by` says so. max_tokens bounds tokens out.
    """
    songs, number = _songs(settings, files, described)
    builder = RequestBuilder(load_prompt(settings.write.prompt), settings.write, settings.write.model, settings.seed)
    sample = sorted(songs, key=lambda song: stable_id("plan", song.song_id))[:TOKENISED]
    tokens, counted_by = _count(settings, [builder.first_request(song) for song in sample])
    replies = number * settings.write.samples
    tokens_in = round(sum(tokens) / max(1, len(tokens)) * replies)
    tokens_out = replies * settings.write.max_tokens
    if settings.run.server.url and not settings.run.server.parameters.max_tokens:
        counted_by += "; max_tokens is not sent, so that nothing bounds a reply and its price"
    return {
        "songs": number,
        "requests": replies,
        "prompt_tokens": tokens_in,
        "prompt_tokens_a_request": round(sum(tokens) / max(1, len(tokens)), 1),
        "completion_tokens_at_most": tokens_out,
        "tokens_counted_by": counted_by,
        "price_at_most": round(settings.run.server.price(tokens_in, tokens_out), 2),
    }


def _songs(settings: LabelSettings, files: Collection[AudioFile], described: Iterable[Song]) -> tuple[list[Song], int]:
    """Songs to sample from, and how many there will be."""
    if settings.songs.source:
        listed = {song.song_id: song for song in songs_of_table(settings.songs) if song is not None}
        return list(listed.values()), len(listed)
    if settings.corpus.metadata:
        known = describe(settings.corpus, [file.key for file in files])[1].tracks.values()
        found = (Song.of(row.title, row.artist, row.facts) for row in known if row is not None and row.title)
        listed = {song.song_id: song for song in found}
        return list(listed.values()), len(listed)
    probed = list(described)
    return probed, len(files)


def _count(settings: LabelSettings, requests: list[Request]) -> tuple[list[int], str]:
    handle = open_writer(settings)
    try:
        tokens = handle.load().count_tokens(requests)
    except WriterStopped as stopped:
        raise UserError(str(stopped)) from stopped
    finally:
        handle.close()
    if tokens is not None:
        return tokens, "the server" if settings.run.server.url else "the model's tokeniser"
    tokens = hub_tokens(settings.write.model, settings.write.revision, requests)
    if tokens is not None:
        return tokens, "the model's tokeniser"
    characters = [sum(map(len, (request.prompt or "", *(turn.content for turn in request.messages)))) for request in requests]
    return [round(number / CHARACTERS_A_TOKEN) for number in characters], "four characters a token: no tokeniser was reached"


PROBED = 200
SHOWN = 20


def plan_writing(settings: LabelSettings) -> dict[str, Any]:
    """What writing alone will cost (flows.plan). With a table of songs no music is looked at. Raises UserError."""
    if not settings.uses_llm:
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
    no_table = Metadata({}, frozenset()), MetadataMatch(dict.fromkeys(keys))
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
    if settings.uses_llm and not problems:
        planned |= plan_write(settings, files, _named(probed))
    return planned | {"problems": problems}


def _tables(corpus: Corpus, entries: Sequence[Entry], metadata: Metadata, described: MetadataMatch) -> dict[str, int]:
    """How the metadata table and the opt-out list meet the files."""
    planned = {"opt_out_entries": len(entries)} if corpus.opt_out else {}
    if not corpus.metadata:
        return planned
    return planned | {
        "metadata_rows": len(metadata.rows) + metadata.keyless + metadata.repeated,
        "metadata_rows_without_file": len(described.without_file),
        "files_without_metadata": len(described.tracks) + len(described.ambiguous_files) - described.match_count,
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


MEMORY_GB = {"H100": 80, "H200": 141, "H800": 80, "A100": 80, "L40S": 48, "L4": 24, "4090": 24}


def plan_training(preset: str | None, config: Path | None, overrides: Sequence[str], gpu: str, mfu: float) -> dict[str, Any]:
    """{"gpu", "assumed_mfu", "stages": [one table a stage]}. Raises UserError for a GPU that is not known."""
    if gpu not in PEAKS:
        raise UserError(f"there are no figures for a GPU {gpu!r}; there are for {', '.join(PEAKS)}.")
    if preset is not None and config is not None:
        raise UserError("give --preset or -c FILE, not both.")
    device = Device(gpu, PEAKS[gpu], MEMORY_GB[gpu] * 1e9, mfu)
    settings = read_settings(TrainSettings, config, overrides) if config else None
    chosen = settings.preset if settings else cast(Preset, preset or "tiny")
    plans = [
        plan_stage(stage_of(chosen, stage), settings.recipe_of(stage) if settings else recipe_of(chosen, stage), device) for stage in STAGES
    ]
    return {"preset": chosen, "gpu": gpu, "assumed_mfu": mfu, "stages": [asdict(plan) for plan in plans]}
