"""Soft inpainting: where the mask is grey, old and new latents are mixed while sampling, and the finished picture
shows the original wherever little has changed."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sdui.core.stages import SoftInpainting

_RADIUS = 2
"""Cells that smoothing looks at to each side."""
_DEVIATION = 1.5

Cells = NDArray[np.float32]


def blend(init: Tensor, latents: Tensor, mask: Tensor, level: float, settings: SoftInpainting) -> Tensor:
    """Mix `latents` [B,C,h,w] with those of the init picture [1 or B,C,h,w]: directions linearly, lengths apart.

    mask: [h,w] from 0, kept, to 1, drawn. level: what the sampler counts in, which A1111's script raises to a power:
    sigma, but the training timestep where the sampler visits timesteps (DDIM, PLMS, UniPC).
    """
    weight = mask ** (level**settings.schedule_bias * settings.preservation_strength)
    mixed = torch.lerp(init, latents, weight)
    lengths = _mixed_lengths(_length(init), _length(latents), weight, settings.transition_contrast_boost)
    return mixed * (lengths / (_length(mixed) + 1e-5))


def _length(latents: Tensor) -> Tensor:
    return cast("Tensor", torch.linalg.vector_norm(latents, dim=1, keepdim=True))


def _mixed_lengths(old: Tensor, new: Tensor, weight: Tensor, power: float) -> Tensor:
    """The power mean, which leans to the larger one; relative to that, so that high powers do not overflow."""
    largest = torch.maximum(old, new).clamp_min(1e-30)
    powers = torch.lerp((old / largest) ** power, (new / largest) ** power, weight)
    return largest * powers ** (1 / power)


def changed_cells(init: Tensor, latents: Tensor, mask: Tensor, settings: SoftInpainting) -> list[NDArray[np.uint8]]:
    """For each picture [h,w]: 255 where sampling has changed its latents much, 0 where the original is to show.

    init: [1 or B,C,h,w]; latents: [B,C,h,w] after sampling; mask: [h,w] from 0, kept, to 1, drawn.
    """
    threshold: Cells = (settings.difference_threshold * _leniency(mask, settings)).cpu().numpy()
    distances: Cells = _length(latents - init)[:, 0].float().cpu().numpy()
    return [_opacity(_smoothed(distance), threshold, settings.difference_contrast) for distance in distances]


def _leniency(mask: Tensor, settings: SoftInpainting) -> Tensor:
    """Factor of the threshold: 1 without the mask's influence, with it from 0, drawn, to very many, kept."""
    kept = 1 - mask.float().clamp(0, 1) ** (settings.preservation_strength / 2)
    kept = torch.lerp(torch.full_like(kept, 0.5), kept, settings.mask_influence)
    return kept / (1.00001 - kept)


def _opacity(distance: Cells, threshold: Cells, contrast: float) -> NDArray[np.uint8]:
    """Half of it at the threshold. Where both are 0 nothing has changed."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        kept = 1 / (1 + (distance / threshold) ** np.float32(contrast))
    kept = np.nan_to_num(kept, nan=1.0)
    smooth = kept**3 * (kept * (6 * kept - 15) + 10)
    return (255 * (1 - smooth)).astype(np.uint8)


def _smoothed(distance: Cells) -> Cells:
    """Spread peaks, then level single cells."""
    return _weighted_percentiles(_weighted_percentiles(distance, 0.9, 1.0), 0.25, 0.75)


def _weighted_percentiles(image: Cells, low: float, high: float) -> Cells:
    """For each cell the mean of what lies between two percentiles of its neighbours, nearer ones weighing more.

    The range between the percentiles is at least as wide as the weight of the cell itself, 1.
    """
    values, weights = _neighbours(image)
    order = np.argsort(values, axis=0, kind="stable")
    values, weights = np.take_along_axis(values, order, 0), np.take_along_axis(weights, order, 0)
    ends: NDArray[np.float64] = np.cumsum(weights, axis=0)
    starts = ends - weights
    total = ends[-1]
    first, last = total * low, total * high
    # total is at least 1, so a range that is too narrow only has to be moved to fit.
    widened = np.clip((first + last + 1) / 2, 1, total)
    first, last = np.where(last - first < 1, (widened - 1, widened), (first, last))
    shares = np.clip(np.minimum(ends, last) - np.maximum(starts, first), 0, None)
    values = np.where(np.isfinite(values), values, 0)
    return ((values * shares).sum(0) / shares.sum(0)).astype(np.float32).reshape(image.shape)


def _neighbours(image: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and weights [n, h * w] of each cell's surroundings; infinity of weight 0 beyond the edges."""
    height, width = image.shape
    padded = np.pad(image.astype(np.float64), _RADIUS, constant_values=np.inf)
    values: list[NDArray[np.float64]] = []
    weights: list[NDArray[np.float64]] = []
    for down in range(2 * _RADIUS + 1):
        for across in range(2 * _RADIUS + 1):
            part = padded[down : down + height, across : across + width].ravel()
            values.append(part)
            weights.append(np.where(np.isfinite(part), _weight(down - _RADIUS, across - _RADIUS), 0))
    return np.stack(values), np.stack(weights)


def _weight(down: int, across: int) -> float:
    """A Gaussian, lowered so that it is 0 one cell beyond the radius and 1 in the middle."""
    edge = math.exp(-(((_RADIUS + 1) / _DEVIATION) ** 2))
    return max(0.0, (math.exp(-(down**2 + across**2) / _DEVIATION**2) - edge) / (1 - edge))
