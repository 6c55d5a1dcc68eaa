"""Trains the VAE: pictures to latents of an eighth of their size, and back."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch.nn import GroupNorm
from torch.nn.functional import avg_pool2d, l1_loss, mse_loss

from .scenes import SIZES, Picture, Scene, Stage

_SOFT = 0.3
_HARD = 1e-6
_RESIDUAL = re.compile(r"coder\.conv_in\.|\.conv1\.|\.conv2\.|to_out\.0\.|(conv_shortcut|samplers\.0\.conv)\.bias")


def soften(vae: AutoencoderKL) -> None:
    """Lets its group norms keep the level of flat areas while it learns.

    With 64 channels in 32 groups a group has two, and of a flat area only the sign of their difference is left. A large
    epsilon keeps more; making everything on the residual stream smaller by the root of the ratio undoes it exactly.
    """
    _scale(vae, _SOFT / _HARD)


def hardened(vae: AutoencoderKL) -> AutoencoderKL:
    """The same function with the epsilon that every program expects; takes the network over."""
    _scale(vae, _HARD / _SOFT)
    return vae


def _scale(vae: AutoencoderKL, ratio: float) -> None:
    with torch.no_grad():
        for name, parameter in vae.named_parameters():
            if _RESIDUAL.search(name):
                parameter.mul_(ratio**0.5)
    for module in vae.modules():
        if isinstance(module, GroupNorm):
            module.eps = _SOFT if ratio > 1 else _HARD


def as_tensor(pictures: Sequence[Picture], device: torch.device) -> Tensor:
    """[B,3,H,W] in -1..1."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return (stacked * 2 - 1).to(device).contiguous(memory_format=torch.channels_last)


def moments(vae: Any, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """[B,3,H,W] in -1..1 -> mean and logarithm of the variance of the latents, [B,4,H/8,W/8] each."""
    coded = vae.encode(pictures).latent_dist
    return coded.mean.float(), coded.logvar.float()


def pictures_of(vae: Any, latents: Tensor) -> Tensor:
    """[B,4,H,W] -> [B,3,8H,8W], about -1..1."""
    return vae.decode(latents).sample.float()


class VaeLoss:
    """What a step of the VAE's training costs; with `decoder_only` the latents stay as they are."""

    def __init__(self, stage: Stage, scenes: Sequence[Scene], *, crop: int, batch: int, decoder_only: bool) -> None:
        self._stage, self._scenes = stage, scenes
        self._crop, self._batch, self._decoder_only = crop, batch, decoder_only

    def choose(self, vae: AutoencoderKL) -> None:
        """Which weights learn: never the attention in the middle, so that a crop is coded as in the whole picture."""
        for name, parameter in vae.named_parameters():
            decodes = name.startswith(("decoder", "post_quant"))
            parameter.requires_grad_("attentions" not in name and (decodes or not self._decoder_only))

    def __call__(self, vae: AutoencoderKL, device: torch.device, step: int) -> Tensor:
        rng = random.Random(step)
        pictures = as_tensor([self._crop_of(rng) for _ in range(self._batch)], device)
        with torch.autocast(device.type, torch.bfloat16):
            with torch.set_grad_enabled(not self._decoder_only):
                mean, log_variance = moments(vae, pictures)
            spread = 0.06 if self._decoder_only else (log_variance / 2).exp()
            drawn = pictures_of(vae, mean + torch.randn_like(mean) * spread)
        loss = _difference(drawn, pictures)
        if not self._decoder_only:
            loss = loss + 1e-4 * (mean**2 + log_variance.exp() - 1 - log_variance).mean() / 2
        return loss

    def _crop_of(self, rng: random.Random) -> Picture:
        scene = rng.choice(self._scenes)
        if rng.random() < 0.1:
            width, height = rng.choice(SIZES)
            scene = replace(scene, width=width, height=height)
        picture = self._stage.show(scene)
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        top, left = (rng.randint(0, side - self._crop) for side in picture.shape[:2])
        return picture[top : top + self._crop, left : left + self._crop]


def _difference(drawn: Tensor, wanted: Tensor) -> Tensor:
    """Of pixels, of edges, and of means of larger and larger squares, so that neither sharpness nor levels are lost."""
    error = drawn - wanted
    edges = (error[..., 1:] - error[..., :-1]).abs().mean() + (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
    levels = sum((avg_pool2d(error, side).abs().mean() for side in (2, 4, 8)), torch.zeros((), device=error.device))
    return l1_loss(drawn, wanted) + 0.5 * mse_loss(drawn, wanted) + 0.7 * edges + 0.5 * levels
