"""The space in which pictures are compared: a small network's that learned to tell the objects and styles apart."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import affine_grid, avg_pool2d, cross_entropy, grid_sample, normalize
from tqdm import tqdm

from .concepts import BACKGROUNDS, CONCEPTS, FEW, STYLES, TINTS, Style
from .scenes import Picture, Scene, Stage, Thing

SIDE = 64
"""Pixels of a side of what the network looks at."""
_WIDTH = 128
_AT_ONCE = 256
_SHARPNESS = 16.0


class Seen(NamedTuple):
    """What a picture looks like."""

    name: str
    style: Style


@dataclass(frozen=True, slots=True)
class Learning:
    """How much the network gets to see."""

    objects: int = FEW
    variants: int = 24
    """Pictures of each object in each style."""
    steps: int = 1500
    batch: int = 64


class Features:
    """Compares pictures with the references: the mean of each object in each style."""

    def __init__(self, network: nn.Module, references: Tensor) -> None:
        """references: [objects * styles, features], of length 1."""
        self._network = network.eval()
        self._references = references
        self._words = _words(len(references) // len(STYLES))

    def nearest(self, pictures: Sequence[Picture]) -> list[Seen]:
        """The object and style that each square picture is most like."""
        return [self._words[int(row)] for row in self._likeness(pictures).argmax(1)]

    def likeness(self, pictures: Sequence[Picture], wanted: Sequence[Seen]) -> list[float]:
        """-1..1: how much each square picture is like what it should be; 1 is as like as can be."""
        rows = [self._words.index(seen) for seen in wanted]
        return [float(line[row]) for line, row in zip(self._likeness(pictures), rows, strict=True)]

    def _likeness(self, pictures: Sequence[Picture]) -> Tensor:
        if not pictures:
            return torch.zeros(0, len(self._words))
        return _features(self._network, torch.from_numpy(_small(pictures))) @ self._references.T


def features(stage: Stage, folder: Path, learning: Learning | None = None) -> Features:
    """Learned at the first call, within minutes, and kept in `folder`: all numbers of a measure are of one space."""
    file = folder / "features.pt"
    if not file.is_file():
        learned, references = _learn(stage, learning or Learning())
        part = file.with_suffix(".part")
        torch.save({"network": learned.state_dict(), "references": references}, part)
        part.replace(file)
    stored: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    network = _network()
    network.load_state_dict(stored["network"])
    return Features(network, stored["references"])


def _words(objects: int) -> list[Seen]:
    return [Seen(concept.name, style) for concept in CONCEPTS[:objects] for style in STYLES]


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.inner(x))


def _network() -> nn.Sequential:
    """[B,3,64,64] in -1..1 to [B,128]."""
    layers: list[nn.Module] = []
    for before, width in ((3, 32), (32, 64), (64, _WIDTH)):
        layers += [nn.Conv2d(before, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [_Block(width)] if width > 32 else []
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(_WIDTH, _WIDTH)]
    return nn.Sequential(*layers)


@torch.no_grad()
def _features(network: nn.Module, pictures: Tensor) -> Tensor:
    """[N,3,64,64] bytes to [N,128] of length 1."""
    parts = [pictures[first : first + _AT_ONCE] for first in range(0, len(pictures), _AT_ONCE)]
    return normalize(torch.cat([network(part / 127.5 - 1) for part in parts]))


def _learn(stage: Stage, learning: Learning) -> tuple[nn.Module, Tensor]:
    """The network, and the references."""
    torch.manual_seed(0)
    network = _network().train()
    count = len(_words(learning.objects))
    pool = torch.from_numpy(_small(tqdm(_pool(stage, learning), "Pictures to compare with", count * learning.variants)))
    labels = torch.arange(count).repeat_interleave(learning.variants)
    centres = nn.Parameter(torch.randn(count, _WIDTH))
    parameters = [*network.parameters(), centres]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, learning.steps)
    for _ in tqdm(range(learning.steps), "Space to compare in", unit="step"):
        chosen = torch.randint(len(pool), (learning.batch,))
        found = normalize(network(_disturbed(pool[chosen] / 127.5 - 1)))
        scores = _SHARPNESS * found @ normalize(centres).T
        of_styles = scores.reshape(learning.batch, -1, len(STYLES)).logsumexp(1)
        loss = cross_entropy(scores, labels[chosen]) + cross_entropy(of_styles, labels[chosen] % len(STYLES))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        rate.step()
    network.eval()
    return network, normalize(_features(network, pool).reshape(count, learning.variants, -1).mean(1))


def _pool(stage: Stage, learning: Learning) -> Iterable[Picture]:
    """Every object in every style, before and in all colours, so that these tell nothing about it."""
    rng = random.Random(2)
    for name, style in _words(learning.objects):
        for number in range(learning.variants):
            background = "white" if number % 3 == 0 else rng.choice(BACKGROUNDS)
            tint = None if number % 2 else rng.choice([tint for tint in TINTS if tint != background])
            placing = rng.choice((0, 0, rng.randint(1000, 1999)))
            yield stage.show(Scene((Thing(name, tint),), style, background, placing))


def _small(pictures: Iterable[Picture]) -> NDArray[np.uint8]:
    """[N,3,64,64], of square pictures of any size."""
    return np.stack([_resized(picture).transpose(2, 0, 1) for picture in pictures])


def _resized(picture: Picture) -> NDArray[np.uint8]:
    way = cv2.INTER_AREA if len(picture) > SIDE else cv2.INTER_CUBIC
    return np.clip(cv2.resize(picture, (SIDE, SIDE), interpolation=way) * 255 + 0.5, 0, 255).astype(np.uint8)


def _disturbed(pictures: Tensor) -> Tensor:
    """Moved, scaled, softened, in other light and with noise: what a drawn picture may be without being another one."""
    count = len(pictures)
    scale = 1 / (0.75 + 0.45 * torch.rand(count, 1))
    turn = 0.08 * torch.randn(count, 1)
    shift = 0.1 * torch.randn(count, 2, 1)
    rows = torch.stack([torch.cat([scale, turn], 1), torch.cat([-turn, scale], 1)], 1)
    grid = affine_grid(torch.cat([rows, shift], 2), list(pictures.shape), align_corners=False)
    moved = grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    soft = avg_pool2d(moved, 3, 1, 1, count_include_pad=False)
    moved = torch.lerp(moved, soft, torch.rand(count, 1, 1, 1))
    mixed = moved[:, torch.randperm(3)] if torch.rand(()) < 0.3 else moved
    gain, level = 1 + 0.1 * torch.randn(count, 3, 1, 1), 0.05 * torch.randn(count, 3, 1, 1)
    return mixed * gain + level + 0.06 * torch.rand(count, 1, 1, 1) * torch.randn_like(mixed)
