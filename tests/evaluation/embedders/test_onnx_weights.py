"""Weights come out of an ONNX file as they were put in, in the order of the graph; what is damaged is said."""

import numpy as np
import pytest

from noise2music.evaluation.embedders.onnx_weights import read_layers

WEIGHT = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3)
BIAS = np.array([0.5, -2.0], np.float32)
DENSE = np.arange(8, dtype=np.float32).reshape(4, 2)
DENSE_BIAS = np.arange(4, dtype=np.float32)


def number(value: int) -> bytes:
    """A varint."""
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(key: int, value: int | bytes | str) -> bytes:
    """A field of a message: a whole number, or bytes with their length."""
    if isinstance(value, int):
        return number(key << 3) + number(value)
    content = value.encode() if isinstance(value, str) else value
    return number(key << 3 | 2) + number(len(content)) + content


def tensor(name: str, values: np.ndarray, raw: bool = True, packed: bool = False) -> bytes:
    """A TensorProto that holds its values."""
    sizes = field(1, b"".join(map(number, values.shape))) if packed else b"".join(field(1, size) for size in values.shape)
    return sizes + field(2, 1) + field(8, name) + field(9 if raw else 4, values.astype("<f4").tobytes())


def outside(name: str, values: np.ndarray, offset: int) -> bytes:
    """A TensorProto whose values lie in the file beside."""
    pairs = {"location": "model.data", "offset": str(offset), "length": str(values.nbytes)}
    entries = b"".join(field(13, field(1, key) + field(2, text)) for key, text in pairs.items())
    return b"".join(field(1, size) for size in values.shape) + field(2, 1) + field(8, name) + entries + field(14, 1)


def node(kind: str, inputs: list[str], **attributes: list[int] | int) -> bytes:
    """A NodeProto; lists of whole numbers are written one by one."""
    message = b"".join(field(1, name) for name in inputs) + field(2, "out") + field(4, kind)
    for name, value in attributes.items():
        held = field(3, value) if isinstance(value, int) else b"".join(field(8, item) for item in value)
        message += field(5, field(1, name) + held)
    return message


def model(nodes: list[bytes], tensors: list[bytes]) -> bytes:
    """A ModelProto with one graph."""
    graph = b"".join(field(1, one) for one in nodes) + field(2, "graph") + b"".join(field(5, one) for one in tensors)
    return field(1, 8) + field(2, "a test") + field(7, graph)


NODES = [
    node("QuantizeLinear", ["w", "scale", "zero"]),
    node("Conv", ["audio", "w_qdq", "b"], group=2, kernel_shape=[3, 3], pads=[0, 0, 1, 1], strides=[2, 2]),
    node("Relu", ["x"]),
    node("Gemm", ["y", "dense", "dense_b"], transB=1),
]


@pytest.mark.parametrize("raw", [True, False])
def test_layers_come_back(raw: bool) -> None:
    tensors = [tensor("dense", DENSE), outside("w", WEIGHT, 16), tensor("b", BIAS, raw, True), tensor("dense_b", DENSE_BIAS)]
    convolution, dense = read_layers(model(NODES, tensors), b"x" * 16 + WEIGHT.tobytes() + b"y")
    np.testing.assert_array_equal(convolution.weight, WEIGHT)
    np.testing.assert_array_equal(convolution.bias, BIAS)
    assert (convolution.kind, convolution.stride, convolution.padding, convolution.groups) == ("Conv", 2, (0, 0, 1, 1), 2)
    np.testing.assert_array_equal(dense.weight, DENSE)
    np.testing.assert_array_equal(dense.bias, DENSE_BIAS)


def test_what_is_damaged_is_said() -> None:
    tensors = [tensor("dense", DENSE), outside("w", WEIGHT, 16), tensor("b", BIAS), tensor("dense_b", DENSE_BIAS)]
    whole, data = model(NODES, tensors), b"x" * 16 + WEIGHT.tobytes()
    with pytest.raises(ValueError, match="w has 215 bytes but the shape"):
        read_layers(whole, data[:-1])
    with pytest.raises(ValueError, match="Conv node without its weights: 'w'"):
        read_layers(model(NODES, tensors[:1]), data)
    with pytest.raises(ValueError, match="0 graphs"):
        read_layers(b"", data)
    for cut in range(1, 60):
        with pytest.raises(ValueError, match=r"."):
            read_layers(whole[:-cut], data)
