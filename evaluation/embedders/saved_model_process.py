"""The process in which a SavedModel hears: `python -m noise2music.evaluation.embedders.saved_model_process KIND FOLDER_OR_HANDLE`.

The only module that imports TensorFlow, and nothing imports it. It reads clips from stdin (8 bytes: how many bytes follow; float32 samples)
and answers each on stdout (1 byte: what it is; 8 bytes: how many follow; content): "F" the folder, once it is loaded; "R" rows of float32;
"E" an error in words. It ends when stdin does.
"""

import os
import sys
from collections.abc import Callable
from typing import IO, Any

SAMPLE_RATE = 16000
DIMENSIONS = {"vggish": 128, "trill": 512}


def load(kind: str, source: str) -> tuple[str, Callable[[Any], Any]]:
    """The model's folder, and a function from samples to rows, which has been tried on a second of silence.

    Raises what TensorFlow raises, and ValueError where the model answers in another shape.
    """
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    folder = source
    if not os.path.isdir(source):
        import tensorflow_hub

        folder = tensorflow_hub.resolve(source)
    model = tf.saved_model.load(folder)

    def embed(samples: Any) -> Any:
        waveform = tf.constant(samples, tf.float32)
        # TRILL takes the rate as a whole number and by name only.
        rows = model(waveform) if kind == "vggish" else model(samples=waveform, sample_rate=SAMPLE_RATE)["embedding"]
        return np.asarray(rows, "<f4")

    found = embed(np.zeros(SAMPLE_RATE, np.float32))
    if found.ndim != 2 or found.shape[1] != DIMENSIONS[kind]:
        raise ValueError(f"a second of audio gives {found.shape} instead of (rows, {DIMENSIONS[kind]})")
    return folder, embed


def serve(kind: str, source: str, clips: IO[bytes], answers: IO[bytes]) -> None:
    """Load, say so, and answer clip after clip."""

    def answer(what: bytes, content: bytes) -> None:
        answers.write(what + len(content).to_bytes(8, "little") + content)
        answers.flush()

    try:
        folder, embed = load(kind, source)
    except Exception as error:
        answer(b"E", describe(error))
        return
    answer(b"F", folder.encode())
    import numpy as np

    while len(start := clips.read(8)) == 8:
        samples = np.frombuffer(clips.read(int.from_bytes(start, "little")), "<f4")
        try:
            answer(b"R", embed(samples).tobytes())
        except Exception as error:
            answer(b"E", describe(error))


def describe(error: Exception) -> bytes:
    """Kind and first line of an error."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0].strip()[:300]}".encode()


def main() -> None:
    """stdout is for answers alone: whatever else prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.argv[1], sys.argv[2], sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
