"""Run the two original TensorFlow graphs of musicnn once and keep their outputs: `python -m tests.make_musicnn_reference`.

Writes tests/data/musicnn_reference.npz, to which tests/labeling/scorers/test_musicnn.py holds the torch networks. The graphs come from the
`.meta` files of the installed package, so nothing of the networks is written down a second time here.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import triton  # noqa: F401  TensorFlow before triton in one process ends in a segmentation fault

from noise2music.core.hub import package_folder
from noise2music.labeling.scorers.musicnn_weights import INSTALL, TAGGERS
from tests.musicnn_input import REFERENCE, reference_input


def original_outputs(folder: Path, windows: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """(N, 187, 96) -> logits (N, 50) and penultimate activations (N, 200) of the original graph in inference mode.

    Only the forward part is imported: today's TensorFlow refuses the shapes that were noted down with the gradients in 2019.
    """
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    exported = tf.MetaGraphDef.FromString((folder / ".meta").read_bytes())
    outputs = ("model/dense_1/BiasAdd", "model/batch_normalization_10/batchnorm/add_1")
    forward = tf.graph_util.extract_sub_graph(exported.graph_def, [*outputs, exported.saver_def.restore_op_name])
    for node in forward.node:
        node.attr.pop("_output_shapes", None)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(forward, name="")
        session.run(exported.saver_def.restore_op_name, {exported.saver_def.filename_tensor_name: f"{folder}/"})
        placeholders = {node.name: tf.as_dtype(node.attr["dtype"].type) for node in forward.node if node.op == "Placeholder"}
        values = {f"{name}:0": False if dtype == tf.bool else windows for name, dtype in placeholders.items()}
        logits, penultimate = session.run([f"{name}:0" for name in outputs], values)
    return logits, penultimate


if __name__ == "__main__":
    windows = reference_input()
    arrays = {}
    for tagger in TAGGERS:
        logits, penultimate = original_outputs(package_folder("musicnn", INSTALL) / tagger, windows)
        arrays[f"{tagger}/logits"], arrays[f"{tagger}/penultimate"] = logits, penultimate
    np.savez(REFERENCE, **arrays)
    print(f"{REFERENCE.name}: {', '.join(f'{name} {values.shape}' for name, values in arrays.items())}")
