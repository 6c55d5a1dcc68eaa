"""Colour correction: a drawn picture gets the colours of the picture that it was drawn from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .pixels import Pixels

_LUMINOSITY = np.array([0.299, 0.587, 0.114])
"""Rec. 601."""


def colour_corrected(drawn: Pixels, target: Pixels) -> Pixels:
    """`drawn` with the histograms of `target` in CIELAB and its own luminosity; any two sizes, [H,W,3] each."""
    lab, wanted = (cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.uint8) for pixels in (drawn, target))
    matched = np.stack([_matched(lab[..., i], wanted[..., i]) for i in range(3)], axis=-1)
    coloured = cv2.cvtColor(matched, cv2.COLOR_LAB2RGB).astype(np.uint8)
    return _with_luminosity(coloured, drawn)


def _matched(values: Pixels, target: Pixels) -> Pixels:
    """Histogram matching: each value becomes the one with the same share of pixels below it in `target`."""
    shares = np.cumsum(np.bincount(values.ravel(), minlength=256)) / values.size
    counts = np.bincount(target.ravel(), minlength=256)
    levels = np.nonzero(counts)[0]
    table = np.interp(shares, np.cumsum(counts[levels]) / target.size, levels)
    # Truncated, as A1111's pictures are.
    return table.astype(np.uint8)[values]


def _with_luminosity(colour: Pixels, light: Pixels) -> Pixels:
    """The non-separable blend mode "luminosity" (W3C Compositing and Blending Level 1, 10.2): `light` over `colour`."""
    base, luminosity = colour / 255, light / 255 @ _LUMINOSITY
    mixed = base + (luminosity - base @ _LUMINOSITY)[..., None]
    return (np.clip(_clipped(mixed), 0, 1) * 255).astype(np.uint8)


def _clipped(mixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Towards grey of the same luminosity, until every channel lies in 0 to 1."""
    grey = (mixed @ _LUMINOSITY)[..., None]
    lowest, highest = mixed.min(-1, keepdims=True), mixed.max(-1, keepdims=True)
    below, above = lowest < 0, highest > 1
    mixed = np.where(below, grey + (mixed - grey) * grey / np.where(below, grey - lowest, 1), mixed)
    return np.where(above, grey + (mixed - grey) * (1 - grey) / np.where(above, highest - grey, 1), mixed)
