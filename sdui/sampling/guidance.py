"""Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598) over any number of prompts."""

from __future__ import annotations

from collections.abc import Sequence


def coefficients(weights: Sequence[float], scale: float) -> tuple[list[float], float]:
    """How much each prompt's and the negative prompt's prediction count in negative + scale * sum w (p - negative).

    A coefficient of 0 means that the network need not be asked, as for the negative prompt at scale 1.
    """
    positives = [weight * scale for weight in weights]
    return positives, 1 - sum(positives)
