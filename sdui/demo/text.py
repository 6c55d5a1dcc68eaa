"""Warms the text encoder up: what comes after a caption's end must tell what the picture looks like.

A diffusion loss alone is too weak to tell words apart in a short training; predicting the principal components of the
picture's latents does it in minutes, and the UNet then learns from an encoder that knows what the words mean.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers.models.clip.modeling_clip import CLIPTextModel

from .captions import caption
from .latents import Latents
from .scenes import NATIVE, Scene
from .vocabulary import Vocabulary

_COMPONENTS = 96
_LENGTHS = (4, 12, 77)
"""How many ends are looked at: the encoder sees only what is before, so fewer are quicker and the same."""


class WordsToLook(nn.Module):
    """The text encoder and a linear layer that tells the picture's components from a token."""

    def __init__(self, text: CLIPTextModel) -> None:
        super().__init__()
        self.text = text
        self.look = nn.Linear(text.config.hidden_size, _COMPONENTS)

    def forward(self, rows: Tensor) -> Tensor:
        """[B,L] -> [B,L,96]."""
        return self.look(self.text(rows).last_hidden_state.float())


class TextLoss:
    """What a step of the warm-up costs."""

    def __init__(self, latents: Latents, vocabulary: Vocabulary, batch: int) -> None:
        plain = [
            number
            for number, scene in enumerate(latents.scenes)
            if not scene.placing and not scene.held_out and (scene.width, scene.height) == (NATIVE, NATIVE)
        ]
        self._scenes: Sequence[Scene] = [latents.scenes[number] for number in plain]
        self._wanted = _components(torch.stack([latents.values[number].flatten() for number in plain]))
        self._vocabulary, self._batch = vocabulary, batch

    def fit(self, network: WordsToLook) -> None:
        """Begins with the linear layer that fits the encoder best, so that a fresh one does not spoil it."""
        rng = random.Random(0)
        chosen = rng.sample(range(len(self._scenes)), min(2048, len(self._scenes)))
        rows = self._vocabulary.rows([caption(self._scenes[number], rng) for number in chosen])
        with torch.no_grad():
            heard = torch.cat([network.text(some[:, :24]).last_hidden_state[:, -1] for some in torch.split(rows, 64)])
            known = torch.cat([heard, torch.ones(len(heard), 1)], 1)
            square = known.T @ known + 1e-2 * len(heard) * torch.eye(known.shape[1])
            solved = torch.inverse(square) @ known.T @ self._wanted[chosen]
            network.look.weight.copy_(solved[:-1].T)
            network.look.bias.copy_(solved[-1])

    def __call__(self, network: WordsToLook, device: torch.device, step: int) -> Tensor:
        rng = random.Random(step)
        chosen = rng.choices(range(len(self._scenes)), k=self._batch)
        rows = self._vocabulary.rows([caption(self._scenes[number], rng) for number in chosen]).to(device)
        ends = rows == self._vocabulary.end
        length = min(rows.shape[1], int((~ends).sum(1).max()) + rng.choice(_LENGTHS))
        with torch.autocast(device.type, torch.bfloat16):
            told = network(rows[:, :length])
        ends = ends[:, :length].float()
        error = (told - self._wanted[chosen].to(device)[:, None]).square().mean(-1)
        return (error * ends).sum() / ends.sum()


def _components(flat: Tensor) -> Tensor:
    """[N,96]: the principal components of [N,P], the strong ones damped so that the weak count as well."""
    centred = flat - flat.mean(0)
    torch.manual_seed(0)
    _, _, directions = torch.pca_lowrank(centred, _COMPONENTS, center=False, niter=4)
    found = centred @ directions
    spread = found.std(0)
    damped = found / spread.clamp_min(spread[0] * 0.03).sqrt()
    return damped * (_COMPONENTS / damped.std(0).square().sum()).sqrt()
