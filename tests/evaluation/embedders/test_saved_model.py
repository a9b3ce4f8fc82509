"""VGGish and TRILL by folder and by handle, with small SavedModels of the same signatures, in their real process."""

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.errors import UserError
from noise2music.evaluation.embedders.audioset_mel import log_mel, mel_triangles
from noise2music.evaluation.embedders.base import load_embedder
from noise2music.evaluation.embedders.clips import ClipEmbedding, DeadClip, Sound, embed_clips
from noise2music.evaluation.embedders.saved_model import KNOWN, SavedModel, hub_name, load_saved_model
from tests.evaluation.embedders.sounds import RATE, music


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    command = [sys.executable, "-m", "tests.evaluation.embedders.make_saved_models", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"})
    return folder


@pytest.fixture(scope="module")
def vggish(models: Path) -> Iterator[SavedModel]:
    model = load_saved_model("vggish", str(models / "vggish"))
    yield model
    model.close()


def pids(model: SavedModel) -> list[int]:
    return [process._process.pid for process in model._idle.queue]


def test_the_front_end_is_tensorflows(models: Path) -> None:
    with np.load(models / "front_end.npz") as said:
        np.testing.assert_allclose(mel_triangles().T, said["filters"], atol=2e-5)
        np.testing.assert_allclose(log_mel(said["audio"], 0.001), said["log_mel"], atol=1e-3)


def test_vggish_rows(vggish: SavedModel, models: Path) -> None:
    clip = music()[0]
    rows = vggish.embed(clip)
    expected = clip[: 5 * 15360].reshape(5, 15360) @ np.load(models / "vggish.npy")
    assert len(clip) == 96000
    assert rows.shape == (6, 128)
    np.testing.assert_allclose(rows[:5], expected, atol=1e-4)
    assert vggish.embed(clip[:15600]).shape == (1, 128)
    assert vggish.embed(clip[:15599]).shape == (0, 128)
    assert (vggish.name, vggish.unit, vggish.dimension, vggish.sample_rate, vggish.min_seconds) == ("vggish", "frame", 128, 16000, 0.975)


@pytest.mark.slow
def test_one_process_serves_many_clips_and_threads_change_no_byte(vggish: SavedModel) -> None:
    clips = [Sound(str(index), clip, RATE) for index, clip in enumerate(music()[:4])]
    alone = [vggish.embed(clip.audio.astype(np.float32)).tobytes() for clip in clips]
    assert len(pids(vggish)) == 1
    done = [clip for clip in embed_clips(clips * 3, vggish, None, workers=2) if isinstance(clip, ClipEmbedding)]
    assert [clip.rows.tobytes() for clip in done] == alone * 3
    assert len(pids(vggish)) <= 2


def test_int16_and_short_clips_are_dead_before_they_come_to_it(vggish: SavedModel) -> None:
    clips = [Sound("int16", np.zeros(RATE, np.int16), RATE), Sound("short", np.zeros(14400, np.float32), RATE)]
    assert [clip.error.reason for clip in embed_clips(clips, vggish, None) if isinstance(clip, DeadClip)] == ["not_float", "too_short"]


def test_trill_by_its_handle_from_the_hubs_cache(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real handle; the layer is 'embedding'. TF-Hub is not asked where its cache has the folder."""
    assert hub_name(KNOWN["vggish"].handle) == "a2d9c70b5c312dce4d2cde46297518f806bd50d0"
    assert hub_name(KNOWN["trill"].handle) == "ea2f8afc14dd7be224ed7555987719178430b65d"
    shutil.copytree(models / "trill", tmp_path / hub_name(KNOWN["trill"].handle))
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    trill = load_embedder("trill")
    assert isinstance(trill, SavedModel)
    assert not pids(trill)
    rows = trill.embed(music()[0])
    assert rows.shape == (35, 512)
    np.testing.assert_allclose(rows[3], music()[0][3 * 2672 : 4 * 2672] @ np.load(models / "trill.npy"), atol=1e-4)
    trill.close()


def test_identity_is_of_the_files(models: Path, tmp_path: Path) -> None:
    """Not of where they lie, nor of the fingerprint that TensorFlow makes anew; another weight is another identity. No process starts."""
    copy = tmp_path / "elsewhere"
    shutil.copytree(models / "vggish", copy)
    (copy / "fingerprint.pb").unlink()
    first, second = (SavedModel("vggish", str(folder)) for folder in (models / "vggish", copy))
    assert first.identity == second.identity
    weights = copy / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert SavedModel("vggish", str(copy)).identity != first.identity
    assert SavedModel("trill", str(models / "vggish")).identity != first.identity
    assert pickle.loads(pickle.dumps(first)).identity == first.identity
    assert not pids(first)


def test_what_is_no_model_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"vggish=/nowhere: there is no SavedModel of vggish \(there is no such folder\)\. Give the folder"):
        load_saved_model("vggish", "/nowhere")
    with pytest.raises(UserError, match="it holds no saved_model.pb"):
        load_saved_model("trill", str(tmp_path))


@pytest.mark.slow
def test_a_model_that_answers_otherwise_is_refused(models: Path) -> None:
    with pytest.raises(UserError, match=r"there is no SavedModel of vggish \(ValueError: a second of audio gives \(1, 64\) instead of"):
        load_saved_model("vggish", str(models / "wide")).embed(music()[0])


def test_a_handle_that_cannot_be_reached_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    handle = "http://127.0.0.1:9/vggish/1"
    with pytest.raises(UserError) as caught:
        load_embedder(f"vggish={handle}")
    for said in (handle, "cannot be had", "vggish=FOLDER", "TFHUB_CACHE_DIR", hashlib.sha1(handle.encode()).hexdigest()):
        assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_process_that_is_killed_is_said_and_the_next_clip_has_a_new_one(models: Path) -> None:
    model = load_saved_model("vggish", str(models / "vggish"))
    rows = model.embed(music()[0])
    (pid,) = pids(model)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(UserError, match="the process of vggish ended with -9"):
        model.embed(music()[0])
    np.testing.assert_array_equal(model.embed(music()[0]), rows)
    (pid,) = pids(model)
    model.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.slow
def test_processes_end_with_the_one_that_started_them(models: Path) -> None:
    script = (
        "import os, sys, numpy as np\nfrom noise2music.evaluation.embedders.saved_model import load_saved_model\n"
        "model = load_saved_model('vggish', sys.argv[1])\nmodel.embed(np.zeros(16000, np.float32))\n"
        "print(model._idle.queue[0]._process.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(models / "vggish")], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").is_file() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the process lives on")
