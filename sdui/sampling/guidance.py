"""Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598) over any number of prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coefficients:
    """How much each prediction counts; one of 0 means that the network need not be asked.

    With d the predictions, n the negative one and o the one that sees neither prompt nor picture:
    o + image_scale * (n - o) + scale * sum w (d - n). Without a picture to see (image_scale 1) o drops out;
    with one it is InstructPix2Pix' guidance (Brooks et al. 2023, arXiv:2211.09800, Eq. 3).
    """

    positives: tuple[float, ...]
    negative: float
    unseen: float
    """Of the negative prompt without the picture."""
    unguided: tuple[float, ...]
    """Of the prompts alone, where the negative one is not asked: the first stands in for it, at scale 1."""


def coefficients(weights: Sequence[float], scale: float, image_scale: float = 1.0) -> Coefficients:
    positives = tuple(weight * scale for weight in weights)
    unguided = (1 - sum(weights[1:]), *weights[1:])
    return Coefficients(positives, image_scale - sum(positives), 1 - image_scale, unguided)
