"""The weights of a chain of convolutions out of an ONNX file, without the package onnx (onnx.ai, onnx.proto).

Only what such a file holds is read: float32 tensors in the file or beside it, and the order in which Conv and Gemm nodes use them. Nodes
that quantise activations are no business of the weights and are passed over.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.protobuf_wire import fields, varints

FLOAT = 1
_DEQUANTISED = "_qdq"
"""A weight's name behind the nodes that quantise it is its own name with this."""


@dataclass(frozen=True)
class Layer:
    """A Conv or Gemm node: weight as ONNX has it ((out, in / groups, height, width), or (out, in)), bias (out,), stride, padding, groups.

    padding: rows above, columns left, rows below, columns right.
    """

    kind: str
    weight: Float32s
    bias: Float32s
    stride: int = 1
    padding: tuple[int, ...] = ()
    groups: int = 1


def read_layers(model: bytes, data: bytes) -> list[Layer]:
    """Contents of the .onnx file and of its file of external data -> its Conv and Gemm nodes, in their order.

    Raises ValueError, saying what was found, where either is not as described above.
    """
    graphs = [content for number, _, content in fields(model) if number == 7]
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} graphs instead of one")
    nodes, tensors = [], {}
    for number, _, content in fields(graphs[0]):
        if number == 1:
            nodes.append(content)
        elif number == 5:
            name, values = _tensor(content, data)
            if values is not None:
                tensors[name] = values
    return [layer for node in nodes if (layer := _layer(node, tensors)) is not None]


def _layer(node: bytes, tensors: Mapping[str, Float32s]) -> Layer | None:
    """NodeProto: 1 inputs, 4 operation, 5 attributes. None for other operations."""
    inputs = [content.decode() for number, _, content in fields(node) if number == 1]
    (kind,) = (content.decode() for number, _, content in fields(node) if number == 4)
    if kind not in ("Conv", "Gemm"):
        return None
    attributes = dict(_attribute(content) for number, _, content in fields(node) if number == 5)
    try:
        weight, bias = (tensors[name.removesuffix(_DEQUANTISED)] for name in inputs[1:3])
    except (KeyError, ValueError) as error:
        raise ValueError(f"a {kind} node without its weights: {error}") from None
    if kind == "Gemm":
        return Layer(kind, weight, bias)
    strides, padding, groups = (attributes.get(name, [1]) for name in ("strides", "pads", "group"))
    if len(set(strides)) != 1:
        raise ValueError(f"a convolution with the strides {strides}")
    return Layer(kind, weight, bias, strides[0], tuple(padding), groups[0])


def _attribute(message: bytes) -> tuple[str, list[int]]:
    """AttributeProto: 1 name, 3 a whole number, 8 whole numbers, packed or one by one."""
    name, numbers = "", []
    for number, value, content in fields(message):
        if number == 1:
            name = content.decode()
        elif number == 3:
            numbers.append(value)
        elif number == 8:
            numbers += varints(content) if content else [value]
    return name, numbers


def _tensor(message: bytes, data: bytes) -> tuple[str, Float32s | None]:
    """TensorProto: 1 sizes, 2 type, 4 floats, 8 name, 9 raw bytes, 13 where in the external data. None for other types than float32."""
    shape: list[int] = []
    name, kind, raw, outside = "", 0, b"", dict[str, str]()
    for number, value, content in fields(message):
        if number == 1:
            shape += varints(content) if content else [value]
        elif number == 2:
            kind = value
        elif number == 8:
            name = content.decode()
        elif number in (4, 9):
            raw += content
        elif number == 13:
            entry = {part: text.decode() for part, _, text in fields(content)}
            outside[entry[1]] = entry.get(2, "")
    if kind != FLOAT:
        return name, None
    if "offset" in outside or "location" in outside:
        start, size = int(outside.get("offset", 0)), int(outside["length"])
        raw = data[start : start + size]
    if len(raw) != 4 * math.prod(shape):
        raise ValueError(f"{name} has {len(raw)} bytes but the shape {tuple(shape)}")
    return name, np.frombuffer(raw, "<f4").reshape(shape).astype(np.float32)
