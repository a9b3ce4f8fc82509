"""What headers claim and what is there: lengths are found, all of a file is read, and both numbers are said where they differ."""

import io
import struct

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from noise2music.core.audio.decode import DecodedSpan, decode_spans
from noise2music.core.errors import RowError
from noise2music.labeling.stages.probe import probe_file, probe_warnings
from tests.core.audio.audio_files import AV_KINDS, OTHER_AV_KINDS, Float32s, encode, encode_av, tones, without_xing

RATE = 44100


def music(seconds: float, seed: int, rate: int = RATE) -> Float32s:
    """(n, 2): tones of its own pitch and some noise, so that no two places are alike."""
    noise = np.random.default_rng(seed).normal(0, 0.003, (round(seconds * rate), 2))
    return (tones(seconds + seed, rate)[-round(seconds * rate) :] + noise).astype(np.float32)


def lengths(data: bytes) -> tuple[float, float]:
    """Seconds found, seconds claimed."""
    row = probe_file(io.BytesIO(data), "a", len(data), "")
    warned = [reason for reason, _ in probe_warnings(row)]
    assert warned == (["length_differs"] if row["claimed_ms"] != row["duration_ms"] else [])
    return row["duration_ms"] / 1000, row["claimed_ms"] / 1000


def whole(data: bytes) -> Float32s:
    row = probe_file(io.BytesIO(data), "a", len(data), "")
    (span,) = decode_spans(io.BytesIO(data), "a", [(0, row["duration_ms"])])
    assert isinstance(span, DecodedSpan), span
    assert len(span.audio) / span.sample_rate == pytest.approx(row["duration_ms"] / 1000, abs=0.05)
    assert span.odd == ()
    return span.audio


def likeness(found: Float32s, truth: npt.NDArray[np.floating], start: float, rate: int = RATE, slack: int = 3000) -> float:
    """Correlation of 0.1 s of the truth from `start` on with the best place near it."""
    expected = truth.mean(axis=1) if truth.ndim == 2 else truth
    at = round(start * rate)
    part = expected[at : at + rate // 10].astype(np.float64)
    low = max(0, at - slack)
    near = found[low : at + rate // 10 + slack].astype(np.float64)
    energy = np.cumsum(np.concatenate([[0.0], near**2]))
    energy = energy[len(part) :] - energy[: -len(part)]
    offset = int(np.argmax(np.correlate(near, part, "valid") / np.sqrt(energy + 1e-9)))
    return float(np.corrcoef(near[offset : offset + rate // 10], part)[0, 1])


def through_mp3(audio: Float32s, rate: int = RATE) -> Float32s:
    """What an mp3 of it gives when it is alone in its file."""
    return np.asarray(soundfile.read(io.BytesIO(encode(audio, rate, "MP3")), dtype="float32")[0])


def with_xing(mp3: bytes, scale: float) -> bytes:
    """The same mp3, whose first frame claims another number of frames."""
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    (frames,) = struct.unpack(">I", mp3[at + 8 : at + 12])
    return mp3[: at + 8] + struct.pack(">I", int(frames * scale)) + mp3[at + 12 :]


@pytest.mark.parametrize("scale", [0, 0.5, 10])
def test_the_first_frame_of_an_mp3_may_claim_any_length(scale: float) -> None:
    truth = music(6, 1)
    data = with_xing(encode(truth, RATE, "MP3"), scale)
    found, claimed = lengths(data)
    assert found == pytest.approx(6, abs=0.05)
    assert claimed == pytest.approx(6 * scale, rel=0.01, abs=0.05)
    audio = whole(data)
    assert min(likeness(audio, truth, at) for at in (0.3, 2, 4.5)) > 0.98


ID3 = b"ID3\x03\0\0\0\0\x08\0" + bytes(1024)
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0xA0000000) + bytes(40)


@pytest.mark.parametrize(
    ("between", "xing"), [(b"", True), (b"", False), (ID3, False), (b"TAG" + bytes(125), True), (bytes(100), True), (APE, True)]
)
def test_joined_mp3s_are_read_whole(between: bytes, xing: bool) -> None:
    first, second = music(4, 1), music(3, 2)
    parts = [encode(part, RATE, "MP3") for part in (first, second)]
    if not xing:
        parts = [without_xing(part) for part in parts]
    data = between.join(parts)
    found, claimed = lengths(data)
    assert found == pytest.approx(7, abs=0.15)
    assert claimed == (pytest.approx(4, abs=0.05) if xing else found)
    audio = whole(data)
    truth = np.concatenate([through_mp3(first), through_mp3(second)])
    assert min(likeness(audio, truth, at, slack=6000) for at in (0.3, 2.6, 4.4, 5.8)) > 0.98


def test_joined_mp3s_of_two_rates_are_read_at_the_first() -> None:
    first, second = music(4, 1), music(3, 2, 48000)
    data = encode(first, RATE, "MP3") + encode(second, 48000, "MP3")
    assert lengths(data)[0] == pytest.approx(7, abs=0.15)
    audio = whole(data)
    times = np.arange(3 * RATE) / RATE * 48000
    resampled = np.interp(times, np.arange(len(second)), second.mean(axis=1))
    assert likeness(audio, through_mp3(first), 1) > 0.98
    assert likeness(audio, np.concatenate([first.mean(axis=1), resampled]), 5, slack=6000) > 0.9


def test_false_frames_in_a_tag_cost_nothing() -> None:
    first, second = without_xing(encode(music(3, 1), RATE, "MP3")), without_xing(encode(music(3, 2), RATE, "MP3"))
    false = b"ID3\x04\0\0\0\0\x08\0" + (b"\xff\xfb\x94\x64" + bytes(252)) * 4
    data = first + false + second
    assert lengths(data)[0] == pytest.approx(6, abs=0.15)
    assert likeness(whole(data), np.concatenate([through_mp3(music(3, 1)), through_mp3(music(3, 2))]), 4, slack=6000) > 0.98


@pytest.mark.parametrize(("kind", "subtype", "rate"), [("OGG", "VORBIS", RATE), ("OGG", "OPUS", 48000), ("FLAC", "PCM_16", RATE)])
@pytest.mark.parametrize("other_rate", [False, True])
def test_chains_are_read_whole(kind: str, subtype: str, rate: int, other_rate: bool) -> None:
    second_rate = rate // 2 if other_rate and subtype != "OPUS" else rate
    first, second = music(3, 1, rate), music(4, 2, second_rate)
    data = encode(first, rate, kind, subtype) + encode(second, second_rate, kind, subtype)
    found, claimed = lengths(data)
    assert found == pytest.approx(7, abs=0.05)
    assert claimed == pytest.approx(3, abs=0.05)
    audio = whole(data)
    places = np.arange(4 * rate) * second_rate / rate
    truth = np.concatenate([first.mean(axis=1), np.interp(places, np.arange(len(second)), second.mean(axis=1))])
    assert likeness(audio, truth, 1, rate) > 0.98
    assert likeness(audio, truth, 5, rate) > (0.98 if rate == second_rate else 0.9)


def flac_total(flac: bytes, samples: int) -> bytes:
    data = bytearray(flac)
    data[21] = data[21] & 0xF0 | samples >> 32
    data[22:26] = struct.pack(">I", samples & 0xFFFFFFFF)
    return bytes(data)


@pytest.mark.parametrize("scale", [0, 0.5, 2, 1000])
def test_the_header_of_a_flac_may_claim_any_length(scale: float) -> None:
    truth = music(6, 1)
    data = flac_total(encode(truth, RATE, "FLAC"), int(len(truth) * scale))
    assert lengths(data) == (6.0, 6 * scale if scale else 6.0)
    np.testing.assert_allclose(whole(data), truth.mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("stated", [0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFF00])
@pytest.mark.parametrize("whole_size", [True, False])
def test_the_sizes_of_a_wav_may_be_anything(stated: int, whole_size: bool) -> None:
    truth = music(3, 1)
    data = bytearray(encode(truth, RATE, "WAV", "PCM_16"))
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", stated)
    if whole_size:
        data[4:8] = struct.pack("<I", stated)
    assert lengths(bytes(data))[0] == 3
    np.testing.assert_allclose(whole(bytes(data)), truth.mean(axis=1), atol=1e-4)


def test_joined_wavs_are_read_whole() -> None:
    first, second = music(3, 1), music(2, 2)
    data = encode(first, RATE, "WAV", "PCM_16") + encode(second, RATE, "WAV", "PCM_16")
    assert lengths(data) == (5.0, 3.0)
    np.testing.assert_allclose(whole(data), np.concatenate([first, second]).mean(axis=1), atol=1e-4)


def test_a_container_may_begin_late() -> None:
    truth = music(5, 1, 48000)
    data = encode_av(truth, "webm", offset=12.5)
    found, claimed = lengths(data)
    assert found == pytest.approx(5, abs=0.05)
    assert claimed == pytest.approx(17.5, abs=0.05)
    assert min(likeness(whole(data), truth, at, 48000) for at in (0.3, 3.9)) > 0.98


def test_the_duration_of_an_mp4_is_not_believed() -> None:
    truth = music(5, 1)
    data = bytearray(encode_av(truth, "m4a"))
    place = data.index(b"mdhd") + 20
    (units,) = struct.unpack(">I", data[place : place + 4])
    data[place : place + 4] = struct.pack(">I", units * 4)
    assert lengths(bytes(data))[0] == pytest.approx(5, abs=0.05)


def test_rifx_is_not_noise() -> None:
    truth = music(3, 1)
    samples = np.round(truth * 32767).astype(">i2").tobytes()
    layout = struct.pack(">HHIIHH", 1, 2, RATE, RATE * 4, 4, 16)
    body = b"WAVEfmt " + struct.pack(">I", 16) + layout + b"data" + struct.pack(">I", len(samples)) + samples
    data = b"RIFX" + struct.pack(">I", len(body)) + body
    np.testing.assert_allclose(whole(data), truth.mean(axis=1), atol=1e-4)


@pytest.mark.parametrize("front", [ID3, APE, APE + ID3], ids=["id3", "ape", "both"])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "OGG", "MP3", "m4a", "aac"])
def test_tags_in_front_of_any_kind_are_stepped_over(kind: str, front: bytes) -> None:
    truth = music(3, 1)
    data = front + (encode_av(truth, kind) if kind in AV_KINDS else encode(truth, RATE, kind))
    assert lengths(data)[0] == pytest.approx(3, abs=0.06)
    assert likeness(whole(data), truth, 1) > 0.98


@pytest.mark.parametrize("kind", OTHER_AV_KINDS)
def test_what_only_ffmpeg_reads(kind: str) -> None:
    truth = music(4, 1)
    data = encode_av(truth, kind)
    assert lengths(data)[0] == pytest.approx(4, abs=0.12 if kind == "wma" else 0.06)
    assert min(likeness(whole(data), truth, at) for at in (0.1, 2.5)) > 0.98


@pytest.mark.parametrize(
    ("kind", "subtype"), [("AU", "PCM_16"), ("CAF", "PCM_16"), ("W64", "PCM_24"), ("VOC", "PCM_16"), ("SVX", "PCM_16")]
)
def test_what_else_libsndfile_reads(kind: str, subtype: str) -> None:
    truth = music(2, 1)[:, :1]
    assert lengths(encode(truth, RATE, kind, subtype)) == (2, 2)
    np.testing.assert_allclose(whole(encode(truth, RATE, kind, subtype)), truth[:, 0], atol=1e-4)


def test_what_neither_library_reads_quotes_both() -> None:
    with pytest.raises(RowError) as caught:
        probe_file(io.BytesIO(b"no music " * 99), "a", 9 * 99, "")
    assert caught.value.reason == "not_audio"
    assert "libsndfile" in caught.value.message
    assert "FFmpeg" in caught.value.message
    assert "<none>" not in caught.value.message


@pytest.mark.parametrize("junk", [b"", bytes(40), b"TAG" + bytes(125), APE])
def test_libraries_print_nothing(junk: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    mp3 = encode(music(2, 1), RATE, "MP3")
    for data in (mp3 + junk, with_xing(mp3, 3) + junk, mp3 + mp3 + junk, mp3[: len(mp3) // 2] + junk, mp3[300:] + junk):
        whole(data)
    assert capfd.readouterr() == ("", "")
