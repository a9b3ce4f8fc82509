"""From audio to groups: what is recognised, and an inverted index in buckets that finds what comparing all with all finds."""

import io
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, TIT2

from noise2music.core.audio.resample import resample
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.arrow import lists_column
from noise2music.labeling.datasets.build import build_dataset
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, write_part
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.memorization.chains import MOST_REPEATS, find_chains
from noise2music.labeling.memorization.inverted_index import FIRST_FEW, MOST_SHARED, Entries, Votes, settle, votes
from noise2music.labeling.memorization.landmarks import Landmarks
from noise2music.labeling.memorization.links import LEAST_VOTES, NO_LINKS, connected, find_links
from noise2music.labeling.memorization.recording import Recognised, recognise
from noise2music.labeling.schemas import COPIES, FINGERPRINT, PROBE
from noise2music.labeling.stages import copies as stage
from noise2music.labeling.stages.fingerprint import fingerprint_part
from noise2music.synth.render import render_piece
from tests.core.audio.audio_files import Float32s, encode

RATE = 24000
PARTS = 2


@pytest.fixture(scope="module")
def pieces() -> list[Float32s]:
    return [render_piece(3, index, 12.0, RATE).audio for index in (0, 1, 2, 4)]


def heard(audio: Float32s, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> Recognised:
    return recognise(io.BytesIO(encode(audio, rate, kind, subtype)), 60, round(1000 * len(audio) / rate))


def tagged(mp3: bytes, title: str) -> bytes:
    """The same frames behind other tags."""
    sink = io.BytesIO(mp3)
    tags = ID3()
    tags.add(TIT2(encoding=3, text=[title]))
    tags.save(sink)
    return sink.getvalue()


def test_other_tags_and_another_lossless_coding_have_the_same_audio(pieces: list[Float32s]) -> None:
    stereo = np.stack([pieces[0], pieces[1]], axis=1)
    wav = heard(stereo, "WAV", "PCM_16")
    assert wav.audio is not None
    assert wav.audio == heard(stereo, "FLAC", "PCM_16").audio == heard(stereo, "AIFF", "PCM_16").audio
    mp3 = encode(pieces[0], RATE, "MP3")
    plain, titled = (recognise(io.BytesIO(tagged(mp3, title)), 60, 1) for title in ("one", "another title" * 50))
    assert plain.audio == titled.audio != wav.audio
    np.testing.assert_array_equal(plain.chains.hashes, titled.chains.hashes)
    assert heard(pieces[0], "WAV", "PCM_16", 22050).audio != heard(pieces[0], "WAV", "PCM_16").audio


def test_what_is_silent_short_or_one_tone_has_no_chains() -> None:
    second = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    silent = heard(np.zeros(10 * RATE, np.float32))
    assert silent.audio is None
    assert silent.failed is None
    for found in (silent, heard(second), heard(np.tile(second, 10))):
        assert len(found.chains.hashes) == 0


def test_what_cannot_be_decoded_is_said(pieces: list[Float32s]) -> None:
    assert str(recognise(io.BytesIO(b"no audio" * 100), 60, 1).failed).startswith("not_audio")
    broken = pieces[0].copy()
    broken[RATE] = np.nan
    found = heard(broken, "WAV", "FLOAT")
    assert found.audio is None
    assert str(found.failed).startswith("not_finite")


def copies_of(audio: Float32s) -> dict[str, Recognised]:
    """What people do with a recording."""
    return {
        "mp3": heard(audio, "MP3"),
        "ogg": heard(audio, "OGG"),
        "quiet": heard(audio / 4),
        "resampled": heard(resample(audio, RATE, 22050), rate=22050),
        "trimmed": heard(audio[3 * RATE :]),
        "stereo": heard(np.stack([audio, audio / 2], axis=1)),
    }


def test_copies_are_found_and_other_pieces_are_not(pieces: list[Float32s]) -> None:
    found, owner = [], []
    for number, piece in enumerate(pieces):
        for one in (heard(piece), *copies_of(piece).values()):
            found.append(one)
            owner.append(number)
    links = all_links(found)
    assert all(owner[one] == owner[other] for one, other in zip(links.one, links.other, strict=True))
    groups = connected(zip(links.one.tolist(), links.other.tolist(), strict=True))
    assert Counter(groups.values()) == dict.fromkeys(range(0, len(found), 7), 7)
    trimmed = np.flatnonzero((links.one == 0) & (links.other == 5))
    assert abs(links.offsets[trimmed[0]] / (5512 / 128) + 3) < 0.05


def all_links(found: list[Recognised]):  # type: ignore[no-untyped-def]
    sizes = np.array([len(one.chains.hashes) for one in found], np.int32)
    tracks = np.repeat(np.arange(len(found), dtype=np.uint32), sizes)
    entries = Entries(np.concatenate([one.chains.hashes for one in found]), tracks, np.concatenate([one.chains.times for one in found]))
    parts = list(votes(entries))
    joined = type(parts[0])(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("one", "other", "offsets")))
    return find_links(joined, sizes)


def test_two_pieces_over_one_loop_are_no_copies(pieces: list[Float32s]) -> None:
    loop = np.resize(render_piece(5, 1, 2.0, RATE).audio, 12 * RATE)
    mixes = [heard(np.asarray(0.5 * piece + 0.5 * loop * np.std(piece) / np.std(loop), np.float32)) for piece in pieces]
    assert len(all_links(mixes).one) == 0


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 9)), max_size=60))
def test_votes_are_those_of_all_pairs(rows: list[tuple[int, int, int]]) -> None:
    """Against comparing every entry with every other one."""
    rows = sorted(set(rows))
    hashes, tracks, times = (
        np.array(column, kind)
        for column, kind in zip(zip(*rows, strict=True) if rows else ((), (), ()), (np.uint32, np.uint32, np.int32), strict=True)
    )
    wanted = Counter((one, other, later - time) for code, one, time in rows for same, other, later in rows if code == same and one < other)
    got = Counter(
        triple
        for found in votes(Entries(hashes, tracks, times))
        for triple in zip(found.one.tolist(), found.other.tolist(), found.offsets.tolist(), strict=True)
    )
    assert got == wanted


def test_what_everybody_has_ties_all_to_a_few() -> None:
    many = MOST_SHARED + 20
    entries = Entries(np.full(many, 7, np.uint32), np.arange(many, dtype=np.uint32), np.zeros(many, np.int32))
    pairs = {pair for found in votes(entries) for pair in zip(found.one.tolist(), found.other.tolist(), strict=True)}
    assert pairs == {(one, other) for one in range(FIRST_FEW) for other in range(one + 1, many)}


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 59), max_size=4))
def test_votes_are_the_same_when_entries_come_in_turn(seed: int, cuts: list[int]) -> None:
    chance = np.random.default_rng(seed)
    tracks = np.sort(chance.integers(0, 40, 200)).astype(np.uint32)
    whole = Entries(chance.integers(0, 5, 200).astype(np.uint32), tracks, chance.integers(0, 9, 200).astype(np.int32))
    # A recording has a chain a few times only.
    place = Counter[tuple[int, int]]()
    seen = []
    for row, pair in enumerate(zip(whole.hashes.tolist(), whole.tracks.tolist(), strict=True)):
        place[pair] += 1
        seen += [row] if place[pair] <= MOST_REPEATS else []
    whole = whole.take(np.array(seen))
    found, waiting, done = [], whole.take(slice(0, 0)), np.zeros(0, bool)
    for start, end in pairwise([0, *(sorted(cuts)), 200]):
        rows = slice(*np.searchsorted(whole.tracks, np.array([start, end]) * 40 // 60 if end < 200 else [start * 40 // 60, 40]))
        new = whole.take(rows)
        waiting = Entries(*(np.append(getattr(waiting, name), getattr(new, name)) for name in ("hashes", "tracks", "times")))
        given_, waiting, done = settle(waiting, np.append(done, np.zeros(len(new.hashes), bool)))
        found += given_
    found += votes(waiting, done)
    assert tally(found) == tally(votes(whole))


def tally(found: Iterable[Votes]) -> Counter[tuple[int, int, int]]:
    """How many votes there are of each kind."""
    return Counter(triple for some in found for triple in zip(some.one.tolist(), some.other.tolist(), some.offsets.tolist(), strict=True))


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_groups_are_what_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    reached = {number: {number} for pair in pairs for number in pair}
    for _ in reached:
        for one, other in pairs:
            reached[one] |= reached[other]
            reached[other] |= reached[one]
    assert connected(pairs) == {number: min(found) for number, found in reached.items()}
    assert connected(pairs[::-1]) == connected(pairs)


def test_a_loop_repeats_a_chain_a_few_times_only() -> None:
    times = np.arange(0, 4000, 100, dtype=np.int32)
    one = Landmarks(np.sort(np.concatenate([times, times + 10])), np.tile(np.array([(50 << 12) | 10, (50 << 12) | 12], np.int32), 40))
    found = find_chains(one)
    assert not len(found.hashes) or max(Counter(found.hashes.tolist()).values()) <= MOST_REPEATS


def made_up(store_folder: Path, tracks: list[tuple[str, str | None, np.ndarray, np.ndarray]], parts: int) -> Dataset:
    store = open_store(str(store_folder))
    rows = sorted(tracks, key=lambda row: row[0])

    def make_parts(identity: Identity, missing: list[int]) -> None:
        for part in missing:
            mine = [row for row in rows if int(row[0], 16) * parts >> 64 == part]
            lengths = np.array([len(row[2]) for row in mine], np.int64)
            empty = np.zeros(0, np.int64)
            lists = [
                lists_column(pa.array(np.concatenate([empty, *(row[i] for row in mine)])).cast(kind), lengths)
                for i, kind in ((2, pa.uint32()), (3, pa.int32()))
            ]
            ids = [row[0] for row in mine]
            audio = pa.array([row[1] for row in mine], pa.string())
            table = pa.table(
                [
                    pa.array(ids, pa.string()),
                    pa.array(ids, pa.string()),
                    pa.array(ids, pa.string()),
                    audio,
                    pa.nulls(len(ids), pa.string()),
                    *lists,
                ],
                schema=FINGERPRINT,
            )
            context = PartContext("fingerprint", part, parts)
            write_part(store, identity.path, context, [table], FINGERPRINT, 3)

    return build_dataset(store, Identity("fingerprint", "", parts, 1), make_parts, {}).dataset


def run_steps(folder: Path, fingerprints: Dataset, buckets: int, a_bucket: int) -> pa.Table:
    passage = stage.Passage(str(folder), f"cache/copies/{buckets}-{a_bucket}-{len(fingerprints.parts)}", buckets, a_bucket)
    for part in fingerprints.parts:
        stage.index_part(fingerprints, part, passage)
    for bucket in range(buckets):
        stage.vote_bucket(passage, bucket)
    tracks = stage.read_tracks(passage)
    for bucket in range(buckets):
        stage.link_bucket(passage, bucket, tracks)
    return stage.group_rows(tracks, stage.read_links(passage, "audio"), stage.read_links(passage, "near"))


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_parts_and_buckets_do_not_change_a_group(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    chance = np.random.default_rng(seed)
    tracks = []
    for _ in range(20):
        hashes, times = chance.integers(0, 2**32, 40), np.sort(chance.integers(0, 500, 40))
        if tracks and chance.random() < 0.5:
            theirs = tracks[chance.integers(len(tracks))]
            hashes[:20], times[:20] = theirs[2][:20], theirs[3][:20] + 30
        audio = f"{chance.integers(6) << 60:016x}" + "0" * 48 if chance.random() < 0.3 else None
        tracks.append((f"{chance.integers(2**63):016x}", audio, hashes, times))
    folder = tmp_path_factory.mktemp("root")
    found = []
    for parts, buckets, a_bucket in ((1, 1, 1 << 20), (2, 3, 50), (5, 7, 1)):
        fingerprints = made_up(folder / str(parts), tracks, parts)
        found.append(run_steps(folder / str(parts), fingerprints, buckets, a_bucket))
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    assert found[0].schema.equals(COPIES)
    by_audio: dict[str, set[str]] = {}
    for track_id, audio, *_ in tracks:
        by_audio.setdefault(audio or track_id, set()).add(track_id)
    rows = {row["track_id"]: row for row in found[0].to_pylist()}
    for same in by_audio.values():
        if len(same) > 1:
            assert {rows[track_id]["same_audio"] for track_id in same} == {min(same)}
            assert len({rows[track_id]["group"] for track_id in same}) == 1
    assert all((row["kind"] == "audio") == (len(by_audio.get(audio_of(tracks, name), ())) > 1) for name, row in rows.items())


def audio_of(tracks: list[tuple[str, str | None, np.ndarray, np.ndarray]], track_id: str) -> str:
    return next(audio or track_id for name, audio, *_ in tracks if name == track_id)


def test_a_file_that_failed_is_tried_again(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE, np.float32), RATE)
    named = {
        "track_id": "1" * 16,
        "key": "a.wav",
        "content": "c",
        "bytes": 1,
        "sha256": "s",
        "format": "wav",
        "sample_rate": RATE,
        "channels": 1,
        "duration_ms": 1000,
        "tag_genres": [],
    }
    probed = pa.Table.from_pylist([named], PROBE)

    class Earlier(CarryOver):
        def __init__(self, failed: str | None) -> None:
            row = {"track_id": "1" * 16, "key": "old", "content": "c", "failed": failed, "hashes": [], "times": []}
            self.row = pa.Table.from_pylist([row], FINGERPRINT)

        def take(self, keys: object) -> dict:  # type: ignore[override,type-arg]  # noqa: ARG002
            return {("1" * 16, "c"): self.row}

    for failed, key in ((None, "old"), ("unreadable: gone", "a.wav")):
        context = PartContext("fingerprint", 0, 1)
        (table,) = fingerprint_part(context, probed, str(tmp_path), 60.0, Earlier(failed))
        assert table.column("key").to_pylist() == [key]
        assert not context.warnings.lost


def test_too_few_votes_are_no_link() -> None:
    one, other = np.zeros(LEAST_VOTES - 1, np.uint32), np.ones(LEAST_VOTES - 1, np.uint32)
    assert find_links(Votes(one, other, np.zeros(len(one), np.int32)), np.array([10, 10])) is NO_LINKS
