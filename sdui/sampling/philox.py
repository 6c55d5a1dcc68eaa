"""Normal numbers as torch.randn draws them on an NVIDIA GPU, made on any CPU.

Philox 4x32-10 of Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", in PyTorch's layout: the words of
the counter are the number of the draw, 0, the index of the element, 0; the key is the seed. The first two of the four
words that come out become one normal number by the sine half of Box and Muller's transform with cuRAND's constants.
It is computed in float64 and rounded once, as A1111's source "NV" does; a GPU computes in float32.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_WORD = 0xFFFFFFFF
_UNIT = 2.0**-32
_TURN = float(np.float32(2 * math.pi)) * _UNIT
_LOW, _HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)


class Philox:
    """One sequence of draws; `seed` counts modulo 2^64."""

    def __init__(self, seed: int) -> None:
        self._key = seed & _WORD, seed >> 32 & _WORD
        self._draws = 0

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The next draw, of at most 2^32 elements."""
        radius, angle = self._words(math.prod(shape))
        self._draws += 1
        normal = np.sqrt(-2 * np.log(radius * _UNIT + _UNIT / 2))
        normal *= np.sin(angle * _TURN + _TURN / 2)
        return normal.astype(np.float32).reshape(shape)

    def _words(self, count: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """The first two words of the result for each element, [count]."""
        zero = np.zeros(1, np.uint32)
        a, b, c, d = np.full(1, self._draws & _WORD, np.uint32), zero, np.arange(count, dtype=np.uint32), zero
        key, key_next = self._key
        for _ in range(_ROUNDS):
            low_a, high_a = _product(a, _MULTIPLIERS[0])
            low_c, high_c = _product(c, _MULTIPLIERS[1])
            a, b, c, d = high_c ^ b ^ np.uint32(key), low_c, high_a ^ d ^ np.uint32(key_next), low_a
            key, key_next = key + _KEY_STEPS[0] & _WORD, key_next + _KEY_STEPS[1] & _WORD
        return a, b


def _product(words: NDArray[np.uint32], by: np.uint64) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Low and high half of the 64-bit products."""
    halves = (words * by).view(np.uint32)
    return halves[_LOW::2], halves[_HIGH::2]
