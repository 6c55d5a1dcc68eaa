"""Trains the UNet: to tell the noise in a noisy latent, given the words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d
from transformers.models.clip.modeling_clip import CLIPTextModel

from .captions import caption
from .concepts import Style
from .latents import Latents
from .scenes import SHARES, SIZES, Kind, Scene
from .vocabulary import Vocabulary

_STEPS = 1000
_WITHOUT_WORDS = 0.1
"""Share of the captions that are left out, for classifier-free guidance (arXiv:2207.12598)."""
_MOST_SIGNAL = 5.0
"""Weight of nearly clean latents (arXiv:2303.09556)."""
_STYLE_SHARES: dict[Style, float] = {"3d": 1.4, "flat": 1.0, "icon": 0.7}


class SmallHeads:
    """Attention for heads of few channels: on a CPU some three times as fast as torch's own, which serves wide ones."""

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, *_: Any, **__: Any
    ) -> Tensor:
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            layer(source).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for layer, source in ((attn.to_q, hidden_states), (attn.to_k, context), (attn.to_v, context))
        )
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        mixed = scores.softmax(-1) @ value
        return attn.to_out[0](mixed.transpose(1, 2).flatten(2))


class UnetLoss:
    """What a step of the UNet's training costs."""

    def __init__(self, latents: Latents, vocabulary: Vocabulary, text: CLIPTextModel, batch: int) -> None:
        self._latents, self._vocabulary, self._text, self._batch = latents, vocabulary, text, batch
        self._by_kind: dict[Kind, list[int]] = {kind: [] for kind in SHARES}
        self._by_size: dict[tuple[int, int], list[int]] = {size: [] for size in SIZES}
        for number, scene in enumerate(latents.scenes):
            if not scene.held_out:
                kind = scene.kind
                (self._by_size[scene.width, scene.height] if kind == "size" else self._by_kind[kind]).append(number)
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, _STEPS).square()
        self._signal = (1 - betas).cumprod(0)

    def __call__(self, unet: Any, device: torch.device, step: int) -> Tensor:
        rng = random.Random(step)
        chosen = self._chosen(rng)
        clean = torch.stack([self._latents.values[number] for number in chosen]).to(device)
        words = ["" if rng.random() < _WITHOUT_WORDS else self._caption(number, rng) for number in chosen]
        rows = self._vocabulary.rows(words).to(device)
        # One from each of as many equal parts of the schedule: less chance from step to step.
        spread = (torch.rand(1) + torch.arange(len(chosen)) / len(chosen)) % 1
        times = (spread * _STEPS).long()
        signal = self._signal[times].to(device)
        noise = torch.randn(clean.shape).to(device)
        kept = signal[:, None, None, None]
        noisy = (kept.sqrt() * clean + (1 - kept).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                heard = self._text(rows).last_hidden_state
            told = unet(noisy, times.to(device), heard).sample
        ratio = signal / (1 - signal)
        return (_energy(told.float() - noise) * ratio.clamp_max(_MOST_SIGNAL) / ratio).mean()

    def _chosen(self, rng: random.Random) -> Sequence[int]:
        if rng.random() < SHARES["size"]:
            size = rng.choice(SIZES)
            # As many as cost the same.
            count = max(1, self._batch * 16 * 16 * 64 // (size[0] * size[1]))
            return self._some(self._by_size[size], count, rng)
        kinds: list[Kind] = [kind for kind in SHARES if kind != "size"]
        drawn = rng.choices(kinds, [SHARES[kind] for kind in kinds], k=self._batch)
        return [self._some(self._by_kind[kind], 1, rng)[0] for kind in drawn]

    def _some(self, numbers: Sequence[int], count: int, rng: random.Random) -> Sequence[int]:
        """Styles that people ask for more come more often."""
        found: list[int] = []
        while len(found) < count:
            number = rng.choice(numbers)
            scene = self._latents.scenes[number]
            if rng.random() * 1.4 < _STYLE_SHARES[scene.style]:
                found.append(number)
        return found

    def _caption(self, number: int, rng: random.Random) -> str:
        scene: Scene = self._latents.scenes[number]
        return caption(scene, rng)


def _energy(error: Tensor) -> Tensor:
    """[B]: squares of the error, and more where a whole area is too light or too dark.

    Such an error is small among noise, but it tints the background, which the eye sees first.
    """
    return error.square().mean((1, 2, 3)) + 4 * avg_pool2d(error, 4).square().mean((1, 2, 3))
