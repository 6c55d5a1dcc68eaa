"""DeepDanbooru's third residual network (KichangKim/DeepDanbooru), from the file that A1111 has it in.

The file holds convolutions alone, numbered in the order of an ONNX export, with their normalisations folded in, and the
tags' names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from sdui.core.errors import ModelFileError
from sdui.models.side_models import SideModels
from sdui.models.weights import Weights

from .tagger import GENERAL, Tag

SIDE = 512
_BLOCKS = (3, 8, 20, 20, 3, 3)
"""Residual blocks of each stage; every stage but the first halves the sides."""
_SHORTCUT_LAST = 3
"""The one stage whose shortcut is numbered after the block that it passes, not before."""
_RATING = "rating:"


@dataclass(frozen=True, slots=True)
class DeepDanbooru:
    weights: Mapping[str, Tensor]
    names: tuple[str, ...]
    """Tags in the order of the network's outputs."""

    @torch.inference_mode()
    def tags(self, image: Image.Image) -> list[Tag]:
        """RGB of SIDE x SIDE -> every tag but the ratings, the likeliest first."""
        pixels = torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]
        made = self.likelihoods(pixels.to(self.weights["n_Conv_0.weight"]))[0].cpu()
        tags = [Tag(name, float(p), GENERAL) for name, p in zip(self.names, made, strict=True)]
        return sorted((tag for tag in tags if not tag.name.startswith(_RATING)), key=lambda tag: -tag.likelihood)

    def likelihoods(self, pixels: Tensor) -> Tensor:
        """[1,3,SIDE,SIDE] in 0..1 -> [1,tags]."""
        x = functional.relu(self._convolved(0, pixels, 2))
        x = functional.max_pool2d(_padded(x, 3, 2, -torch.inf), 3, 2)
        number = 1
        for stage, blocks in enumerate(_BLOCKS):
            stride = 2 if stage else 1
            first, shortcut = (number, number + 3) if stage == _SHORTCUT_LAST else (number + 1, number)
            x = self._block(first, x, self._convolved(shortcut, x, stride), stride)
            number += 4
            for _ in range(blocks - 1):
                x = self._block(number, x, x, 1)
                number += 3
        return self._convolved(number, x, 1).float().mean((2, 3)).sigmoid()

    def _block(self, number: int, x: Tensor, passed: Tensor, stride: int) -> Tensor:
        x = functional.relu(self._convolved(number, x, 1))
        x = functional.relu(self._convolved(number + 1, x, stride))
        return functional.relu(self._convolved(number + 2, x, 1) + passed)

    def _convolved(self, number: int, x: Tensor, stride: int) -> Tensor:
        kernel = self.weights[f"n_Conv_{number}.weight"]
        padded = _padded(x, kernel.shape[-1], stride, 0)
        return functional.conv2d(padded, kernel, self.weights.get(f"n_Conv_{number}.bias"), stride)


def load(path: Path, side: SideModels) -> DeepDanbooru:
    """Raises ModelFileError, naming the file."""
    weights = Weights(path)
    try:
        names: Any = json.loads(weights.header.metadata["tags"])
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{path} is no DeepDanbooru network: it holds no list of tags.") from error
    # Tried without numbers: the last convolution gives what there are tags for.
    trial = {name: torch.empty(shape, device="meta") for name, shape in weights.shapes.items()}
    try:
        made = DeepDanbooru(trial, ()).likelihoods(torch.empty(1, 3, SIDE, SIDE, device="meta"))
    except (KeyError, RuntimeError, IndexError) as error:
        raise ModelFileError(f"{path} is no DeepDanbooru network (model-resnet_custom_v3): {error}") from error
    if not isinstance(names, list) or len(cast("list[object]", names)) != made.shape[1]:
        raise ModelFileError(f"{path} is damaged: its list of tags does not fit its network. Download it again.")
    listed = tuple(str(name) for name in cast("list[object]", names))
    return DeepDanbooru(weights.read("n_Conv_", side.device, side.dtype), listed)


def _padded(x: Tensor, kernel: int, stride: int, value: float) -> Tensor:
    """So that the sides are divided by the stride, as TensorFlow pads ("SAME"): more at the end where it is odd."""
    missing = max(kernel - stride, 0)
    before, after = missing // 2, missing - missing // 2
    return functional.pad(x, (before, after, before, after), value=value)
