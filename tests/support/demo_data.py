"""Sprites for tests of sdui.demo, painted instead of fetched."""

from pathlib import Path

import cv2
import numpy as np

from sdui.demo.concepts import CONCEPTS, FEW, STYLES
from sdui.demo.sprites import Sprite, SpriteKey

_SIDE = 48


def painted_sprites(objects: int = FEW) -> dict[SpriteKey, Sprite]:
    """A shape of its own for each object: shaded, plain, or only its outline, as the real ones are."""
    return {
        (concept.name, style): _sprite(number, style)
        for number, concept in enumerate(CONCEPTS[:objects])
        for style in STYLES
    }


def write_sprites(folder: Path, objects: int = FEW) -> None:
    """Where `sprites` looks for them before it fetches anything."""
    folder.mkdir(parents=True, exist_ok=True)
    painted = painted_sprites(objects).items()
    np.savez(folder / "sprites.npz", **{f"{name}|{style}": _straight(sprite) for (name, style), sprite in painted})


def _sprite(number: int, style: str) -> Sprite:
    rng = np.random.default_rng(number)
    cells = (rng.random((4, 4)) < 0.55).astype(np.float32)
    cells[1:3, 1:3] = 1
    opacity = cv2.resize(cells, (_SIDE, _SIDE), interpolation=cv2.INTER_NEAREST)
    colour = 0.25 + 0.5 * rng.random(3, np.float32)
    light = np.ones((_SIDE, _SIDE), np.float32)
    if style == "3d":
        light = np.broadcast_to(np.linspace(1.3, 0.5, _SIDE, dtype=np.float32)[:, None], light.shape)
    if style == "icon":
        opacity, colour = opacity - cv2.erode(opacity, np.ones((7, 7))), colour * 0
    pixels = np.clip(light[..., None] * colour, 0, 1) * opacity[..., None]
    return np.concatenate([pixels, opacity[..., None]], -1).astype(np.float32)


def _straight(sprite: Sprite) -> np.ndarray:
    straight = sprite.copy()
    straight[..., :3] /= np.maximum(sprite[..., 3:], 1e-3)
    return np.rint(straight * 255).astype(np.uint8)
