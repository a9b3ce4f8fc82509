"""Small SavedModels with the signatures of VGGish and TRILL, and what TensorFlow's own front end says: run in a process of its own.

python -m tests.evaluation.embedders.make_saved_models FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf


class Vggish(tf.Module):
    """(samples,) -> (rows, 128), a row every 0.96 s from 0.975 s on, as the module of that name."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.random.stateless_normal([15360, 128], [1, 2]) / 100)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, waveform: tf.Tensor) -> tf.Tensor:
        """As VGGish is called."""
        rows = tf.maximum((tf.shape(waveform)[0] - 15600) // 15360 + 1, 0)
        return tf.matmul(tf.reshape(waveform[: rows * 15360], [rows, 15360]), self.weights)


class Trill(tf.Module):
    """samples, sample_rate by name -> {"embedding": (rows, 512), "layer19": (rows, 12288)}, a row every 2,672 samples."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.random.stateless_normal([2672, 512], [3, 4]) / 100)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "samples"), tf.TensorSpec([], tf.int32, "sample_rate")])
    def __call__(self, samples: tf.Tensor, sample_rate: tf.Tensor) -> dict[str, tf.Tensor]:
        """As TRILL is called."""
        rows = tf.shape(samples)[0] * 16000 // sample_rate // 2672
        embedding = tf.matmul(tf.reshape(samples[: rows * 2672], [rows, 2672]), self.weights)
        return {"embedding": embedding, "layer19": tf.zeros([rows, 12288])}


class Wide(tf.Module):
    """Answers as VGGish would, with another number of columns."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, waveform: tf.Tensor) -> tf.Tensor:
        """(1, 64)."""
        return tf.zeros([1, 64]) + tf.reduce_mean(waveform)


def main() -> None:
    """Write vggish/, trill/, wide/ and front_end.npz."""
    folder = Path(sys.argv[1])
    for name, model in (("vggish", Vggish()), ("trill", Trill()), ("wide", Wide())):
        tf.saved_model.save(model, str(folder / name))
        if name != "wide":
            np.save(folder / f"{name}.npy", model.weights.numpy())
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 16000).astype(np.float32)
    spectrum = tf.abs(tf.signal.stft(audio, 400, 160, 512))
    filters = tf.signal.linear_to_mel_weight_matrix(64, 257, 16000, 125.0, 7500.0)
    np.savez(folder / "front_end.npz", audio=audio, log_mel=tf.math.log(spectrum @ filters + 0.001).numpy(), filters=filters.numpy())


if __name__ == "__main__":
    main()
