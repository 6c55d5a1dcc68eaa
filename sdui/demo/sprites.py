"""Draws every concept in every style once, with transparency: the sprites that scenes are put together from."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from .concepts import CONCEPTS, Concept, Style
from .sources import FLAT, ICON, NAMES, PACKAGES, SHADED, fetched, members, parsed

SIDE = 256
Sprite = NDArray[np.float32]
"""[H,W,4] in 0..1: red, green and blue multiplied by the opacity, which comes last."""
SpriteKey = tuple[str, Style]


def sprites(folder: Path) -> dict[SpriteKey, Sprite]:
    """Concept and style -> its sprite of 256x256, drawn at the first call and kept in `folder`.

    Raises DataUnavailable when the packages cannot be had.
    """
    file = folder / "sprites.npz"
    if not file.is_file():
        drawn = _draw_all(folder)
        part = folder / "sprites.part.npz"
        np.savez_compressed(part, **drawn)  # pyright: ignore[reportArgumentType]
        part.replace(file)
    with np.load(file) as stored:
        return {_key(name): _premultiplied(stored[name]) for name in stored.files}


def resized(sprite: Sprite, side: int) -> Sprite:
    """[side,side,4]."""
    layers = [Image.fromarray(sprite[..., layer]).resize((side, side), Image.Resampling.LANCZOS) for layer in range(4)]
    return np.clip(np.stack([np.asarray(layer) for layer in layers], -1), 0, 1).astype(np.float32)


def _key(name: str) -> SpriteKey:
    concept, _, style = name.partition("|")
    return concept, style  # pyright: ignore[reportReturnType]


def _premultiplied(pixels: NDArray[np.uint8]) -> Sprite:
    sprite = pixels.astype(np.float32) / np.float32(255)
    sprite[..., :3] *= sprite[..., 3:]
    return sprite


def _draw_all(folder: Path) -> dict[str, NDArray[np.uint8]]:
    files = {package: fetched(package, folder / "packages") for package in PACKAGES}
    codes = {entry["label"].lower(): entry["hexcode"].lower() for entry in parsed(files[NAMES], "en/data.json")}
    by_slug = {_slug(label): code for label, code in codes.items()}
    wanted = {concept: f"assets/{by_slug[_slug(concept.emoji)]}" for concept in CONCEPTS}
    shaded = dict(members(files[SHADED], {name for path in wanted.values() for name in _spellings(path)}))
    sets = {"flat": parsed(files[FLAT], "icons.json"), "icon": parsed(files[ICON], "icons.json")}
    drawn: dict[str, NDArray[np.uint8]] = {}
    for concept in tqdm(CONCEPTS, "Sprites", unit="concept"):
        webp = next(shaded[name] for name in _spellings(wanted[concept]) if name in shaded)
        drawn[f"{concept.name}|3d"] = _pixels(webp)
        for style, icons in sets.items():
            drawn[f"{concept.name}|{style}"] = _pixels(_render(_svg(icons, concept)))
    return drawn


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "")).strip("-")


def _spellings(path: str) -> tuple[str, ...]:
    """With and without the selector of the emoji's coloured form, of which packages are not sure."""
    return tuple(f"{name}.webp" for name in (path, f"{path}-fe0f", path.replace("-fe0f", "")))


def _svg(icons: Mapping[str, Any], concept: Concept) -> str:
    """Iconify's JSON: bodies of SVG pictures, and other names for them."""
    slug = _slug(concept.emoji)
    name = slug if slug in icons["icons"] else icons["aliases"][slug]["parent"]
    icon = icons["icons"][name]
    width, height = (icon.get(key, icons.get(key, 16)) for key in ("width", "height"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}" width="{SIDE}" height="{SIDE}" color="#000">{icon["body"]}</svg>'
    )


def _render(svg: str) -> bytes:
    # The extra `demo`: whoever only draws pictures does not need it.
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIDE, height=SIDE))


def _pixels(file: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(file)) as picture:
        return np.asarray(picture.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
