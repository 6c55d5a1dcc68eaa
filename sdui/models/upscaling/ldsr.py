"""LDSR: latent diffusion that enlarges by four (arXiv:2112.10752, section 4.4), from its file in CompVis' layout.

The UNet sees the small picture beside the latents, which are as large; a VQGAN decodes them. Both are diffusers'. As in
A1111, each step looks through windows that overlap by half, so that memory does not grow with the picture.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.vq_model import VQModel
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor
from torch.nn import functional

from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.ldm_names import unet_names, vae_names
from sdui.models.networks import filled_by_name
from sdui.models.weights import Weights

_FACTS = ldm.Facts(heads=0, head_channels=32, beta_start=0.0015, beta_end=0.0155, latent_scale=1.0)
"""Of the published model, where no .yaml says otherwise."""
_WINDOW, _STEP = 128, 64
"""Latents on a side of a window, and from one to the next."""
_LEAST = 0.01
"""Weight at a window's edge, where that of its middle is 0.5."""
_ATTENTION = re.compile(r"(.+)\.(norm|qkv|proj_out)\.(weight|bias)")
_NAMES = {"norm": "group_norm", "proj_out": "to_out.0"}


@dataclass(frozen=True, slots=True)
class Ldsr:
    unet: Any
    """diffusers' UNet2DModel."""
    decoder: Any
    """diffusers' VQModel, without its encoder."""
    facts: ldm.Facts

    @property
    def scale(self) -> int:
        return 2 ** (len(self.decoder.config.block_out_channels) - 1)

    def enlarged(self, image: Tensor, steps: int, on_look: Callable[[int, int], None]) -> Tensor:
        """[1,3,H,W] in 0..1 on the networks' device -> [1,3,H*scale,W*scale] on the CPU, about 0..1.

        The noise is the same each time. on_look is told how many of how many looks are done before each; it may raise.
        """
        height, width = image.shape[2:]
        given = _padded(2 * image - 1)
        windows = len(list(_windows(given)))
        looks = iter(range(windows * (steps + 1)))

        def look(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
            def told(part: Tensor) -> Tensor:
                on_look(next(looks), windows * (steps + 1))
                return network(part)

            return told

        def decode(part: Tensor) -> Tensor:
            return self.decoder.decode(part).sample

        latents = self._drawn(given, steps, look) / self.facts.latent_scale
        made = _blended(latents, look(decode), torch.device("cpu"), self.scale)
        return made[..., : height * self.scale, : width * self.scale] / 2 + 0.5

    def _drawn(self, given: Tensor, steps: int, look: Callable[..., Callable[[Tensor], Tensor]]) -> Tensor:
        """DDIM with all of its noise."""
        scheduler: Any = DDIMScheduler(
            num_train_timesteps=self.facts.timesteps,
            beta_start=self.facts.beta_start,
            beta_end=self.facts.beta_end,
            # CompVis' "linear" is linear in the roots.
            beta_schedule="scaled_linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        )
        scheduler.set_timesteps(steps)
        noise = torch.Generator().manual_seed(0)
        size = (1, self.unet.config.out_channels, *given.shape[2:])
        latents = torch.randn(size, generator=noise).to(given.device)
        for timestep in scheduler.timesteps:
            made = _blended(torch.cat([latents, given], 1), look(partial(self._told, timestep)), given.device)
            latents = scheduler.step(made, timestep, latents, eta=1.0, generator=noise).prev_sample
        return latents

    def _told(self, timestep: Tensor, part: Tensor) -> Tensor:
        return self.unet(part, timestep).sample


def load(path: Path, config: Path | None, device: torch.device) -> Ldsr:
    """In float32, as A1111 runs it. Raises ModelFileError, naming the file."""
    facts = _FACTS.honouring(config)
    try:
        weights = Weights(path)
        return Ldsr(_unet(weights, facts, device), _decoder(weights, device), facts)
    except (ModelFileError, KeyError, IndexError, ValueError) as error:
        raise ModelFileError(f"{path} is no model of LDSR that can be used. ({error})") from error


def _unet(weights: Weights, facts: ldm.Facts, device: torch.device) -> UNet2DModel:
    shapes = ldm.Complete(weights.shapes)
    channels, blocks = ldm.falling(shapes)
    size = len(blocks[0]) + 1
    attending = [f"{ldm.UNET}input_blocks.{1 + size * level}.1.qkv.weight" in shapes for level in range(len(blocks))]
    given, made = shapes[f"{ldm.UNET}input_blocks.0.0.weight"][1], shapes[f"{ldm.UNET}out.2.weight"][0]
    if given != made + 3:
        raise ModelFileError(f"its UNet takes {given} channels and makes {made}: it is not made for enlarging pictures")
    with torch.device("meta"):
        unet = UNet2DModel(
            in_channels=given,
            out_channels=made,
            block_out_channels=tuple(channels),
            layers_per_block=size - 1,
            down_block_types=tuple("AttnDownBlock2D" if one else "DownBlock2D" for one in attending),
            up_block_types=tuple("AttnUpBlock2D" if one else "UpBlock2D" for one in reversed(attending)),
            attention_head_dim=channels[-1] // facts.heads_for(channels[-1]),
        )
    read: dict[str, Tensor] = {}
    for name in (name for name in shapes if name.startswith(ldm.UNET)):
        read |= _as_diffusers(name, weights.tensor(_averaged(name, shapes)).to(device, torch.float32), facts)
    return filled_by_name(unet, unet_names, ldm.UNET, read)


def _averaged(name: str, shapes: ldm.Shapes) -> str:
    """Training keeps an average of the weights, under names without dots, which is better than they are."""
    average = f"model_ema.{name.removeprefix('model.').replace('.', '')}"
    return average if average in shapes else name


def _as_diffusers(name: str, tensor: Tensor, facts: ldm.Facts) -> dict[str, Tensor]:
    """Attention in diffusers' layers, under CompVis' numbers of blocks; all else as it is.

    CompVis has one layer whose rows are each head's queries, keys and values, one head after another.
    """
    match = _ATTENTION.fullmatch(name)
    if match is None:
        return {name: tensor}
    block, layer, kind = match.groups()
    # Its layers are convolutions of one dimension.
    tensor = tensor.squeeze(-1) if tensor.ndim == 3 else tensor
    if layer != "qkv":
        return {f"{block}.{_NAMES[layer]}.{kind}": tensor}
    heads = facts.heads_for(len(tensor) // 3)
    if len(tensor) % (3 * heads):
        raise ModelFileError(f"its {name} does not have {heads} heads")
    parts = tensor.reshape(heads, 3, -1, *tensor.shape[1:]).unbind(1)
    return {f"{block}.to_{part}.{kind}": rows.flatten(0, 1) for part, rows in zip("qkv", parts, strict=True)}


def _decoder(weights: Weights, device: torch.device) -> VQModel:
    vectors, width = ldm.Complete(weights.shapes)[f"{ldm.VAE}quantize.embedding.weight"]
    config = ldm.vae_config(weights.shapes)
    with torch.device("meta"):
        network: Any = VQModel(**config, num_vq_embeddings=vectors, vq_embed_dim=width)
    del network.encoder, network.quant_conv
    read: dict[str, Tensor] = {}
    for part in ("decoder.", "post_quant_conv.", "quantize."):
        read |= weights.read(ldm.VAE + part, device, torch.float32)
    return filled_by_name(network, vae_names, ldm.VAE, read)


def _padded(image: Tensor) -> Tensor:
    """Its last rows and columns go on until windows cover it."""
    height, width = (max(_WINDOW, -(-length // _STEP) * _STEP) for length in image.shape[2:])
    return functional.pad(image, (0, width - image.shape[3], 0, height - image.shape[2]), mode="replicate")


def _windows(image: Tensor) -> Iterator[tuple[int, int]]:
    """Where they begin, down and across."""
    down, across = (range(0, length - _WINDOW + 1, _STEP) for length in image.shape[2:])
    return ((top, left) for top in down for left in across)


def _blended(image: Tensor, look: Callable[[Tensor], Tensor], device: torch.device, scale: int = 1) -> Tensor:
    """[1,C,H,W] -> what is seen, [1,D,H*scale,W*scale] on `device`; a window counts less towards its edges."""
    places = (torch.arange(_WINDOW * scale, device=device) + 0.5) / (_WINDOW * scale)
    edge = torch.minimum(places, 1 - places).clamp(min=_LEAST)
    weight = torch.minimum(edge[:, None], edge)
    size = [length * scale for length in image.shape[2:]]
    weights = torch.zeros(size, device=device)
    total: Tensor | None = None
    for top, left in _windows(image):
        made = look(image[..., top : top + _WINDOW, left : left + _WINDOW]).to(device)
        total = made.new_zeros((*made.shape[:2], *size)) if total is None else total
        place = tuple(slice(begin * scale, (begin + _WINDOW) * scale) for begin in (top, left))
        total[..., *place] += made * weight
        weights[place] += weight
    assert total is not None
    return total / weights
