import io
import threading
import tracemalloc
from typing import BinaryIO

import numpy as np
import pytest
import soundfile

from noise2music.core.audio.decode import DecodedSpan, decode_spans
from noise2music.core.audio.ffmpeg_reader import AvReader
from noise2music.core.audio.mpeg_reader import MpegReader
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.audio.reader import average_channels
from noise2music.core.audio.soundfile_reader import SoundFileReader
from noise2music.core.errors import RowError
from noise2music.labeling.corpus.files import open_audio
from tests.core.audio.audio_files import AV_KINDS, MUSIC, encode, encode_av, needs_music, tones, without_xing

SPANS = [(0, 1000), (1000, 700), (2300, 1200), (4000, 1000)]
KINDS = {"wav": ("WAV", "FLOAT"), "flac": ("FLAC", "PCM_24"), "ogg": ("OGG", "VORBIS"), "mp3": ("MP3", None), "aiff": ("AIFF", "PCM_16")}


def decode(data: bytes, spans: list[tuple[int, int]]) -> list[DecodedSpan | RowError]:
    return list(decode_spans(io.BytesIO(data), "a", spans))


def audio_of(result: DecodedSpan | RowError) -> np.ndarray:
    assert isinstance(result, DecodedSpan), result
    return result.audio


def reason_of(result: DecodedSpan | RowError) -> str:
    assert isinstance(result, RowError), result
    return result.reason


@pytest.mark.parametrize("kind", KINDS)
def test_spans_are_slices_of_the_whole(kind: str) -> None:
    data = encode(tones(5), 44100, *KINDS[kind])
    whole = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)[0].mean(axis=1)
    for (start, length), result in zip(SPANS, decode(data, SPANS), strict=True):
        expected = whole[start * 44100 // 1000 : (start + length) * 44100 // 1000]
        assert audio_of(result).dtype == np.float32
        np.testing.assert_allclose(audio_of(result), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["mp3", "ogg"])
def test_blocks_are_joined_without_a_seam(kind: str) -> None:
    data = encode(tones(4, channels=8 if kind == "ogg" else 2), 44100, *KINDS[kind])
    whole = soundfile.read(io.BytesIO(data), dtype="float64")[0].mean(axis=1)
    np.testing.assert_allclose(audio_of(decode(data, [(0, 4000)])[0]), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [*AV_KINDS, "mp3"])
def test_spans_are_slices_of_the_whole_through_ffmpeg(kind: str) -> None:
    rate = AV_KINDS[kind][2] if kind in AV_KINDS else 44100
    data = encode_av(tones(5, rate), kind) if kind in AV_KINDS else without_xing(encode(tones(5), rate, "MP3"))
    reader = open_reader(io.BytesIO(data))
    assert isinstance(reader, MpegReader if kind == "mp3" else AvReader)
    whole = reader.read(0, 5 * rate).audio
    assert len(whole) == 5 * rate
    for (start, length), result in zip(SPANS, decode(data, SPANS), strict=True):
        assert np.array_equal(audio_of(result), whole[start * rate // 1000 : (start + length) * rate // 1000])


@pytest.mark.parametrize("kind", ["m4a", "webm"])
def test_ffmpeg_gives_what_was_encoded_with_its_channels_averaged(kind: str) -> None:
    rate = AV_KINDS[kind][2]
    audio = tones(3, rate)
    found = audio_of(decode(encode_av(audio, kind), [(0, 3000)])[0])
    expected = audio.mean(axis=1)
    assert np.corrcoef(found, expected)[0, 1] > 0.995
    assert found.std() == pytest.approx(expected.std(), rel=0.01)


def test_both_libraries_agree_on_integers_and_on_packed_samples() -> None:
    for subtype in ("PCM_16", "PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"):
        data = encode(tones(1), 44100, "WAV", subtype)
        ours = SoundFileReader(io.BytesIO(data)).read(0, 44100).audio
        theirs = AvReader(io.BytesIO(data)).read(0, 44100).audio
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6, err_msg=subtype)


def test_two_channels_through_ffmpeg_are_the_mean_and_not_its_louder_downmix() -> None:
    same = np.repeat(tones(1, channels=1), 2, axis=1)
    assert np.array_equal(AvReader(io.BytesIO(encode(same, subtype="FLOAT"))).read(0, 44100).audio, same[:, 0])


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 8), (192_000, 2), (384_000, 3)])
def test_channels_are_averaged_at_any_rate(rate: int, channels: int) -> None:
    time = np.arange(rate) / rate
    wave = np.sin(2 * np.pi * 200 * time)
    levels = np.arange(1, channels + 1) / channels
    data = encode((wave[:, None] * levels).astype(np.float32), rate, "WAV", "FLOAT")
    result = decode(data, [(0, 1000)])[0]
    assert isinstance(result, DecodedSpan)
    assert result.sample_rate == rate
    np.testing.assert_allclose(result.audio, wave * levels.mean(), rtol=0, atol=1e-6)


def test_the_mean_of_loud_channels_does_not_overflow() -> None:
    loud = np.full((4, 3), 3e38, np.float32)
    assert np.array_equal(average_channels(loud), np.full(3, 3e38, np.float32))


def test_a_truncated_mp3_loses_only_what_is_missing() -> None:
    data = encode(tones(10), 44100, "MP3")
    results = decode(data[: len(data) // 2], [(0, 2000), (2000, 2000), (4000, 3000), (9000, 1000)])
    assert [len(audio_of(result)) for result in results[:2]] == [88200, 88200]
    assert [reason_of(result) for result in results[2:]] == ["truncated", "truncated"]
    assert isinstance(results[3], RowError)
    assert "promised 1.000 s here and held 0.000 s" in results[3].message


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_any_truncated_file_loses_only_what_is_missing(kind: str) -> None:
    data = encode(tones(10), 44100, *KINDS[kind])
    results = decode(data[: len(data) // 2], [(0, 3000), (3000, 6000), (9000, 1000)])
    assert len(audio_of(results[0])) == 3 * 44100
    assert [reason_of(result) for result in results[1:]] == ["truncated", "truncated"]


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
def test_a_small_shortfall_gives_a_shorter_array(kind: str) -> None:
    data = encode(tones(5), 44100, *KINDS[kind])
    audio = audio_of(decode(data, [(4000, 1200)])[0])
    assert len(audio) == pytest.approx(44100, abs=1)
    assert reason_of(decode(data, [(4000, 1300)])[0]) == "truncated"


def test_a_flac_cut_within_its_last_quarter_second_keeps_its_last_span() -> None:
    data = encode(tones(10), 44100, "FLAC", "PCM_16")
    audio = audio_of(decode(data[: int(len(data) * 0.99)], [(9000, 1000)])[0])
    assert 0.75 * 44100 < len(audio) < 44100


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_costs_its_span_alone(bad: float) -> None:
    audio = tones(3)
    audio[60_000, 1] = bad
    results = decode(encode(audio, subtype="FLOAT"), [(0, 1000), (1000, 1000), (2000, 1000)])
    assert [isinstance(result, DecodedSpan) for result in results] == [True, False, True]
    assert reason_of(results[1]) == "not_finite"


def test_infinities_that_cancel_are_not_finite() -> None:
    audio = tones(1)
    audio[100] = (np.inf, -np.inf)
    assert reason_of(decode(encode(audio, subtype="FLOAT"), [(0, 1000)])[0]) == "not_finite"


def test_silence_costs_its_span_alone() -> None:
    audio = tones(3)
    audio[44100:88200] = 9e-5
    results = decode(encode(audio, subtype="FLOAT"), [(0, 1000), (1000, 1000), (2000, 1000)])
    assert [isinstance(result, DecodedSpan) for result in results] == [True, False, True]
    assert reason_of(results[1]) == "silent"
    audio[50_000] = -2.1e-4
    assert isinstance(decode(encode(audio, subtype="FLOAT"), [(1000, 1000)])[0], DecodedSpan)


def test_one_sample() -> None:
    data = encode(np.array([0.5], np.float32), subtype="FLOAT")
    assert np.array_equal(audio_of(decode(data, [(0, 100)])[0]), np.array([0.5], np.float32))
    assert reason_of(decode(data, [(0, 1000)])[0]) == "truncated"
    assert reason_of(decode(data, [(50, 100)])[0]) == "truncated"


@pytest.mark.parametrize("kind", ["mp3", "flac", "m4a", "webm"])
def test_a_damaged_middle_is_a_gap_and_what_follows_stays_in_time(kind: str) -> None:
    rate = AV_KINDS[kind][2] if kind in AV_KINDS else 44100
    audio = tones(10, rate)
    audio[5 * rate :] += np.random.default_rng(0).normal(0, 0.05, audio[5 * rate :].shape).astype(np.float32)
    data = bytearray(encode_av(audio, kind) if kind in AV_KINDS else encode(audio, rate, *KINDS[kind]))
    middle = len(data) // 2
    clean = decode(bytes(data), [(0, 2000), (8500, 1000)])
    data[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    results = decode(bytes(data), [(0, 2000), (2000, 6000), (8500, 1000)])
    np.testing.assert_allclose(audio_of(results[0]), audio_of(clean[0]), atol=1e-4)
    assert isinstance(results[1], DecodedSpan)
    assert [said[0] for said in results[1].odd] == ["gap"]
    assert len(results[1].audio) == 6 * rate
    np.testing.assert_allclose(audio_of(results[2]), audio_of(clean[1]), atol=1e-4 if kind != "webm" else 0.05)


def test_a_missing_stretch_does_not_move_what_follows() -> None:
    rate = 44100
    data = encode_av(tones(6, rate), "m4a")
    reader = AvReader(io.BytesIO(data))
    packets = reader._packets
    reader._packets = lambda: (packet for number, packet in enumerate(packets()) if not 60 < number < 90)  # type: ignore[method-assign]
    whole = AvReader(io.BytesIO(data)).read(0, 6 * rate).audio
    assert np.array_equal(reader.read(0, rate).audio, whole[:rate])
    (gap,) = reader.read(rate, 3 * rate).gaps
    assert gap.frames == 29 * 1024
    np.testing.assert_allclose(reader.read(3 * rate, 6 * rate).audio, whole[3 * rate :], atol=1e-3)


class Failing(io.BytesIO):
    """Storage that fails once it has been read up to `limit`."""

    limit = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > self.limit:
            raise OSError("the network is gone")
        return super().read(size)


@pytest.mark.parametrize("kind", ["wav", "mp3", "aac"])
def test_storage_that_fails_is_not_taken_for_a_short_file(kind: str) -> None:
    data = encode_av(tones(10), kind) if kind == "aac" else encode(tones(10), 44100, *KINDS[kind])
    file = Failing(data)
    file.limit = len(data) + 1
    spans = decode_spans(file, "a", [(0, 1000), (8000, 1000)])
    assert len(audio_of(next(spans))) == 44100
    file.limit = 0
    result = next(spans)
    assert isinstance(result, RowError)
    assert result.reason == "unreadable"
    assert "the network is gone" in result.message


@pytest.mark.parametrize("spans", [[(1000, 500), (0, 500)], [(0, 600), (500, 500)], [(0, 0)], [(-5, 10)]])
def test_spans_out_of_order_are_a_mistake_of_the_caller(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="order of time"):
        decode(encode(tones(2)), spans)


class Counting:
    """A file that says how much of it was read."""

    def __init__(self, data: bytes) -> None:
        self.file: BinaryIO = io.BytesIO(data)
        self.bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.bytes += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()


@pytest.mark.parametrize(("kind", "rate"), [("OGG", 8000), ("FLAC", 8000), ("MP3", 32_000)])
def test_a_long_file_is_decoded_in_a_stream(kind: str, rate: int) -> None:
    minutes = 20
    minute = tones(60, rate, 1)
    data = without_xing(encode(minute, rate, kind)) * minutes if kind == "MP3" else encode(np.tile(minute, (minutes, 1)), rate, kind)
    spans = [(start * 60_000, 10_000) for start in range(1, minutes, 4)]
    tracemalloc.start()
    try:
        for result in decode_spans(io.BytesIO(data), "a", spans):
            assert len(audio_of(result)) == 10 * rate
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (5 if kind == "MP3" else 4) * 2**20 < minutes * 60 * rate * 4 / 7


def test_seeking_reads_only_what_is_asked_for() -> None:
    data = encode(tones(120, 44100, 1), 44100, "WAV", "PCM_16")
    file = Counting(data)
    results = list(decode_spans(file, "a", [(0, 1000), (60_000, 1000), (119_000, 1000)]))  # type: ignore[arg-type]
    assert all(len(audio_of(result)) == 44100 for result in results)
    assert file.bytes < len(data) / 10


def test_files_can_be_decoded_in_threads_at_once() -> None:
    data = {kind: encode(tones(3), 44100, *KINDS[kind]) for kind in ("mp3", "ogg", "flac")}
    alone = {kind: audio_of(decode(data[kind], [(500, 2000)])[0]) for kind in data}
    together: list[bool] = []

    def work(kind: str) -> None:
        together.append(np.array_equal(audio_of(decode(data[kind], [(500, 2000)])[0]), alone[kind]))

    threads = [threading.Thread(target=work, args=(kind,)) for kind in [*data, *data]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [True] * 6


@needs_music
def test_the_shared_recordings_decode_to_their_end() -> None:
    for path in sorted(MUSIC.iterdir()):
        if path.suffix == ".csv":
            continue
        with open_audio(str(MUSIC), path.name) as file:
            reader = open_reader(file)
            length = reader.frames * 1000 // reader.rate
            whole, *rest = decode_spans(file, path.name, [(0, length)])
        assert not rest
        assert len(audio_of(whole)) == length * reader.rate // 1000
