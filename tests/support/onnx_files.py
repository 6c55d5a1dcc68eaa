"""A small ONNX network, written by hand: the mean of each colour of a picture (protobuf wire format, onnx.proto)."""

import numpy as np


def _number(value: int) -> bytes:
    made = b""
    while value > 0x7F:
        made, value = made + bytes([value & 0x7F | 0x80]), value >> 7
    return made + bytes([value])


def _int(field: int, value: int) -> bytes:
    return _number(field << 3) + _number(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _number(field << 3 | 2) + _number(len(data)) + data


def _tensor(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_bytes(1, _int(1, side)) for side in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _int(1, 1) + _bytes(2, dims)))


def mean_colour(side: int) -> bytes:
    """[1,side,side,3] -> [1,3]."""
    axes = _bytes(5, _bytes(1, "axes") + _int(8, 1) + _int(8, 2) + _int(20, 7))
    flat = _bytes(5, _bytes(1, "keepdims") + _int(3, 0) + _int(20, 2))
    node = _bytes(1, "picture") + _bytes(2, "scores") + _bytes(4, "ReduceMean") + axes + flat
    graph = _bytes(1, node) + _bytes(2, "mean") + _bytes(11, _tensor("picture", (1, side, side, 3)))
    graph += _bytes(12, _tensor("scores", (1, 3)))
    return _int(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _int(2, 13))


def constant(side: int, *answers: np.ndarray) -> bytes:
    """[1,3,side,side] -> always these answers, float32."""
    nodes = outputs = b""
    for place, answer in enumerate(answers):
        name = f"output{place}"
        dims = b"".join(_int(1, length) for length in answer.shape)
        value = _bytes(5, dims + _int(2, 1) + _bytes(9, answer.tobytes()))
        attribute = _bytes(5, _bytes(1, "value") + value + _int(20, 4))
        nodes += _bytes(1, _bytes(2, name) + _bytes(4, "Constant") + attribute)
        outputs += _bytes(12, _tensor(name, answer.shape))
    graph = nodes + _bytes(2, "constant") + _bytes(11, _tensor("images", (1, 3, side, side))) + outputs
    return _int(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _int(2, 13))
