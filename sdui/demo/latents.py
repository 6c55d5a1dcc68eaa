"""Encodes every scene once: what the UNet learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from tqdm import tqdm

from .scenes import Scene, Stage
from .vae import as_tensor, moments

_BATCH = 16


@dataclass(frozen=True, slots=True)
class Latents:
    """Of all scenes, in their order."""

    scenes: Sequence[Scene]
    values: list[Tensor]
    """[4,H/8,W/8] each; every channel has mean 0 and deviation 1 over all of them."""
    mean: Tensor
    """[4]: what the encoder's own latents have."""
    deviation: Tensor
    """[4]"""


def latents_of(scenes: Sequence[Scene], stage: Stage, vae: Any, device: torch.device, file: Path) -> Latents:
    """Encoded at the first call and kept in `file`."""
    if not file.is_file():
        part = file.with_suffix(".part")
        torch.save(_encoded(scenes, stage, vae.to(device).eval(), device), part)
        part.replace(file)
    stored: dict[str, Any] = torch.load(file, weights_only=True)
    return Latents(scenes, stored["values"], stored["mean"], stored["deviation"])


@torch.no_grad()
def _encoded(scenes: Sequence[Scene], stage: Stage, vae: Any, device: torch.device) -> dict[str, Any]:
    by_size: dict[tuple[int, int], list[int]] = {}
    for number, scene in enumerate(scenes):
        by_size.setdefault((scene.width, scene.height), []).append(number)
    values: list[Tensor] = [torch.empty(0)] * len(scenes)
    with tqdm(total=len(scenes), desc="latents", unit="scene", mininterval=5) as bar:
        for numbers in by_size.values():
            for start in range(0, len(numbers), _BATCH):
                some = numbers[start : start + _BATCH]
                pictures = as_tensor([stage.show(scenes[number]) for number in some], device)
                with torch.autocast(device.type, torch.bfloat16):
                    means = moments(vae, pictures)[0].cpu()
                for number, latent in zip(some, means, strict=True):
                    values[number] = latent.clone()
                bar.update(len(some))
    everything = torch.cat([value.flatten(1) for value in values], 1)
    mean, deviation = everything.mean(1), everything.std(1)
    shifted = [(value - mean[:, None, None]) / deviation[:, None, None] for value in values]
    return {"values": shifted, "mean": mean, "deviation": deviation}


@torch.no_grad()
def normalised(vae: AutoencoderKL, latents: Latents, scale: float = 0.18215) -> AutoencoderKL:
    """The same VAE, with latents that have mean 0 and deviation 1 once a program multiplied them by `scale`.

    The layers of 1x1 before and after them take it in; takes the network over.
    """
    factor = 1 / (latents.deviation * scale)
    encode, decode = vae.quant_conv, vae.post_quant_conv
    assert encode is not None and decode is not None and encode.bias is not None and decode.bias is not None
    channels = len(factor)
    encode.weight[:channels] *= factor[:, None, None, None]
    encode.bias[:channels] = (encode.bias[:channels] - latents.mean) * factor
    encode.bias[channels:] += 2 * factor.log()
    decode.bias += decode.weight[:, :, 0, 0] @ latents.mean
    decode.weight /= factor[None, :, None, None]
    return vae
