"""Damaged places, channels that cancel: what is lost is as long as it was, and said."""

import io

import numpy as np
import pytest

from noise2music.core.audio.decode import DecodedSpan, decode_spans
from noise2music.core.audio.downmix import downmix
from noise2music.core.audio.mpeg_frames import walk_mpeg
from noise2music.core.audio.ogg_pages import walk_ogg
from noise2music.core.errors import RowError
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.stages.probe import probe_file, probe_warnings
from tests.core.audio.audio_files import Float32s, encode, encode_av, tones, without_xing

RATE = 44100


def spans(data: bytes, wanted: list[tuple[int, int]]) -> list[DecodedSpan | RowError]:
    return list(decode_spans(io.BytesIO(data), "a", wanted))


def files() -> dict[str, bytes]:
    audio = tones(8)
    mp3 = encode(audio, RATE, "MP3")
    return {
        "mp3": mp3,
        "noxing.mp3": without_xing(mp3),
        "flac": encode(audio, RATE, "FLAC"),
        "ogg": encode(audio, RATE, "OGG", "VORBIS"),
        "m4a": encode_av(audio, "m4a"),
    }


@pytest.mark.parametrize("kind", ["mp3", "noxing.mp3", "flac", "m4a"])
def test_a_damaged_frame_is_a_gap_in_every_reader(kind: str) -> None:
    data = bytearray(files()[kind])
    clean = spans(bytes(data), [(6000, 1000)])[0]
    place = len(data) // 2
    data[place : place + 900] = np.random.default_rng(3).bytes(900)
    first, last = spans(bytes(data), [(0, 6000), (6000, 1000)])
    assert isinstance(first, DecodedSpan)
    assert isinstance(last, DecodedSpan)
    assert isinstance(clean, DecodedSpan)
    assert [reason for reason, _ in first.odd] == ["gap"]
    assert (len(first.audio), last.odd) == (6 * RATE, ())
    assert np.corrcoef(last.audio, clean.audio)[0, 1] > 0.999


@pytest.mark.parametrize("kind", ["mp3", "noxing.mp3", "flac", "m4a"])
def test_a_second_of_damage_costs_its_clip_alone(kind: str) -> None:
    data = bytearray(files()[kind])
    place, length = len(data) * 3 // 8, len(data) * 2 // 8
    data[place : place + length] = np.random.default_rng(3).bytes(length)
    results = spans(bytes(data), [(0, 2500), (2500, 3000), (6000, 1500)])
    assert [isinstance(result, DecodedSpan) for result in results] == [True, False, True]
    assert isinstance(results[1], RowError)
    assert results[1].reason == "decode_failed"


def test_a_lost_ogg_page_is_found_and_the_rest_read() -> None:
    data = bytearray(files()["ogg"])
    assert [link.damaged for link in walk_ogg(io.BytesIO(bytes(data)))] == [0]
    data[len(data) // 2] ^= 0xFF
    assert [link.damaged > 0 for link in walk_ogg(io.BytesIO(bytes(data)))] == [True]
    row = probe_file(io.BytesIO(bytes(data)), "a", len(data), "")
    assert row["duration_ms"] > 7000


def test_missing_frames_are_counted_by_the_bytes_that_stand_there() -> None:
    data = bytearray(files()["noxing.mp3"])
    walk = walk_mpeg(io.BytesIO(bytes(data)))
    place, after = walk.runs[0].offsets[100], walk.runs[0].offsets[110]
    data[place:after] = bytes(after - place)
    holed = walk_mpeg(io.BytesIO(bytes(data)))
    assert holed.interrupted
    assert holed.counted == walk.frames


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3"])
def test_inverted_channels_do_not_cancel(kind: str) -> None:
    one = tones(3, channels=1)[:, 0]
    for right in (-one, -0.9 * one):
        data = encode(np.stack([one, right], 1), RATE, kind)
        (span,) = spans(data, [(0, 3000)])
        assert isinstance(span, DecodedSpan)
        assert [reason for reason, _ in span.odd] == ["antiphase"]
        assert np.corrcoef(span.audio, one)[0, 1] > 0.999
        assert span.audio.std() == pytest.approx(one.std(), rel=0.06)


def test_a_recording_with_one_channel_inverted_is_the_mean_that_it_had() -> None:
    both = tones(3)
    both[:, 1] = 0.7 * both[:, 0] + 0.2 * both[:, 1]
    (span,) = spans(encode(both * [1, -1], RATE, "FLAC"), [(0, 3000)])
    assert isinstance(span, DecodedSpan)
    np.testing.assert_allclose(span.audio, both.mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("channels", [2, 4, 6, 16])
def test_unrelated_channels_and_a_single_loud_one_are_averaged(channels: int) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (channels, 20_000)).astype(np.float32)
    alone = noise * (np.arange(channels) == 1)[:, None]
    for block in (noise, alone.astype(np.float32)):
        audio, lost = downmix([block])
        assert lost is None
        np.testing.assert_allclose(audio, block.mean(axis=0), atol=1e-6)


def test_of_many_channels_that_cancel_the_loudest_is_taken() -> None:
    one = tones(1, channels=1)[:, 0]
    audio, lost = downmix([np.stack([0.2 * one, one, -1.2 * one, 0 * one])])
    assert lost is not None
    np.testing.assert_array_equal(audio, -1.2 * one)


def test_silence_in_all_channels_stays_silence() -> None:
    (result,) = spans(encode(np.zeros((RATE, 2), np.float32)), [(0, 1000)])
    assert isinstance(result, RowError)
    assert result.reason == "silent"


def test_the_choice_of_channels_depends_on_no_other_span() -> None:
    one = tones(4, channels=1)[:, 0]
    both: Float32s = np.stack([one, np.where(np.arange(len(one)) < 2 * RATE, one, -one)], 1)
    data = encode(both, RATE, "WAV", "FLOAT")
    together = spans(data, [(0, 2000), (2000, 2000)])
    alone = spans(data, [(2000, 2000)])
    assert isinstance(together[0], DecodedSpan)
    assert isinstance(together[1], DecodedSpan)
    assert isinstance(alone[0], DecodedSpan)
    assert together[0].odd == ()
    assert together[1].odd == alone[0].odd != ()
    np.testing.assert_array_equal(together[1].audio, alone[0].audio)


def test_a_row_says_again_what_was_found() -> None:
    data = encode(tones(2), RATE, "MP3") * 2
    context = PartContext("probe", 0, 1)
    for reason, message in probe_warnings(probe_file(io.BytesIO(data), "a.mp3", len(data), "")):
        context.warn(reason, "a.mp3", message)
    assert context.warnings.lost == {"length_differs": 1}
    assert "claims 2.0" in context.warnings.examples["length_differs"][0]
