"""Protocol buffers without their schema: the fields of a message as they stand in its bytes.

Enough to read a few known fields of a file whose format is public (a TensorFlow checkpoint's index, an ONNX graph) without the package that
wrote it. The encoding is described at protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator


def varint(content: bytes, position: int) -> tuple[int, int]:
    """The whole number that starts at a position, and where the next thing starts. Raises ValueError where it does not end."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(content):
            raise ValueError("a number runs over the end of its block")
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("a number is longer than 64 bits")


def varints(content: bytes) -> list[int]:
    """Whole numbers packed one behind the other. Raises ValueError where the last does not end."""
    numbers, position = [], 0
    while position < len(content):
        number, position = varint(content, position)
        numbers.append(number)
    return numbers


def fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The fields of a message as (number, integer value, bytes value); the one that does not apply is 0 or empty.

    A fixed field has both: its bytes, and these as a little-endian integer. Raises ValueError on what is no message.
    """
    position = 0
    while position < len(message):
        tag, position = varint(message, position)
        wire_type = tag & 7
        if wire_type == 0:
            value, position = varint(message, position)
            yield tag >> 3, value, b""
            continue
        if wire_type == 2:
            length, position = varint(message, position)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise ValueError(f"a field has the unknown wire type {wire_type}")
        if position + length > len(message):
            raise ValueError("a field runs over the end of its message")
        content = message[position : position + length]
        position += length
        yield tag >> 3, int.from_bytes(content, "little") if wire_type in (1, 5) else 0, content
