"""Noise with the colours, the contrasts and the patterns of a picture, to begin outpainting from.

The picture's spectrum, with its unknown part filled by the mean, shapes white noise; its histogram gives the colours
(parlance-zz, g-diffuser-bot; spectral noise: Galerne et al. 2011, "Random phase textures").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EVERYWHERE, _NOWHERE = 1e-3, 1e-6


def with_matched_noise(image: Floats, mask: Floats, falloff: float = 1.0, colour: float = 0.05) -> Floats:
    """image: [H,W,3] in 0..1; mask: [H,W], 1 where it is unknown -> [H,W,3] in 0..1, equal where the mask is 0.

    falloff: exponent of the picture's spectrum, lower for more detail; colour: 0 grey noise, 1 colourful. Always the
    same noise for a size. Returns the picture as it is where nothing of it is known.
    """
    known, unknown = mask < _EVERYWHERE, mask > _NOWHERE
    weight = mask[..., None]
    windowed = image * (1 - weight)
    if not known.any() or not unknown.any() or not windowed.max():
        return image
    spectrum = _fft(windowed / windowed.max() + image.mean() * weight)
    strength = np.abs(spectrum)
    phase = np.divide(spectrum, strength, out=np.zeros_like(spectrum), where=strength > 0)
    noise = _fft(_white_noise(image.shape, colour)) * _window(*mask.shape)[..., None]
    # Once to real numbers and back: their spectrum is symmetric.
    noise = _fft(_ifft(noise))
    shaped = _ifft(np.abs(noise) ** 2 * strength**falloff * phase)
    shaped = shaped - shaped.min()
    shaped /= shaped.max() or 1
    for channel in range(shaped.shape[2]):
        shaped[unknown, channel] = _matched(shaped[unknown, channel], image[known, channel])
    return np.clip(image * (1 - weight) + shaped * weight, 0, 1)


def _white_noise(shape: tuple[int, ...], colour: float) -> Floats:
    noise = np.random.default_rng(0).random(shape)
    return noise * colour + noise.mean(axis=2, keepdims=True) * (1 - colour)


def _window(rows: int, columns: int) -> Floats:
    """Falls with the distance from the middle of the spectrum, of heavier tails than a Gaussian."""
    short = min(rows, columns)
    down, across = ((np.arange(length) / length * 2 - 1) * length / short for length in (rows, columns))
    return 1 / ((down[:, None] ** 2 + 1) * (across[None] ** 2 + 1))


def _fft(data: Floats) -> NDArray[np.complex128]:
    """Of each channel, with the lowest frequency in the middle."""
    both = (0, 1)
    return np.fft.ifftshift(np.fft.fft2(np.fft.fftshift(data, both), axes=both, norm="ortho"), both)


def _ifft(data: NDArray[np.complex128] | Floats) -> Floats:
    both = (0, 1)
    return np.real(np.fft.ifftshift(np.fft.ifft2(np.fft.fftshift(data, both), axes=both, norm="ortho"), both))


def _matched(values: Floats, like: Floats) -> Floats:
    """Values in the same order, with the distribution of `like`."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    targets, target_counts = np.unique(like, return_counts=True)
    shares = np.cumsum(counts) / values.size
    return np.interp(shares, np.cumsum(target_counts) / like.size, targets)[places]
