"""YAMNet hears what Google's own tests of it say (tensorflow/models, research/audioset/yamnet/yamnet_test.py), and more of the kind."""

import numpy as np
import pytest

from noise2music.core.kept_weights import weights_hash
from noise2music.evaluation.embedders.yamnet import CLASSES, DIMENSION, WEIGHTS, YamNet
from tests.evaluation.embedders.conftest import network
from tests.evaluation.embedders.sounds import music


@pytest.fixture(scope="module")
def yamnet() -> YamNet:
    found = network("yamnet")
    assert isinstance(found, YamNet)
    return found


def best(yamnet: YamNet, audio: np.ndarray, number: int) -> list[str]:
    """The likeliest classes of a sound, over all its rows."""
    posteriors = yamnet.posteriors(yamnet.embed(audio.astype(np.float32))).mean(0)
    return [yamnet.class_names[index] for index in np.argsort(-posteriors)[:number]]


def test_googles_three_checks(yamnet: YamNet) -> None:
    samples = 3 * 16000
    assert best(yamnet, np.zeros(samples), 1) == ["Silence"]
    assert best(yamnet, np.random.default_rng(51773).uniform(-1.0, 1.0, samples), 1) == ["White noise"]
    assert "Sine wave" in best(yamnet, np.sin(2 * np.pi * 440 * np.arange(samples) / 16000), 10)


def test_rendered_music_is_music(yamnet: YamNet) -> None:
    heard = [best(yamnet, clip, 5) for clip in music(4)]
    assert all("Music" in names for names in heard), heard


def test_rows_classes_and_posteriors(yamnet: YamNet) -> None:
    rows = yamnet.embed(np.zeros(160000, np.float32))
    assert rows.shape == (19, DIMENSION)
    assert rows.dtype == np.float32
    posteriors = yamnet.posteriors(rows)
    assert posteriors.shape == (19, CLASSES) == (19, len(yamnet.class_names))
    assert ((posteriors >= 0) & (posteriors <= 1)).all()
    assert (yamnet.class_names[0], yamnet.class_names[132], yamnet.class_names[520]) == ("Speech", "Music", "Field recording")


@pytest.mark.usefixtures("yamnet")
def test_weights_are_the_known_ones() -> None:
    weights = WEIGHTS.load()
    assert weights_hash(weights) == WEIGHTS.sha256
    assert sum(values.size for name, values in weights.items() if name != "class_names") == 3_729_481
