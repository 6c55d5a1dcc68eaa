"""The networks of the bundled checkpoint, read from and written into a single file with SD 1.x's layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel

from sdui.models import ldm
from sdui.models.ldm_names import unet_names, vae_names
from sdui.models.metadata import read_metadata
from sdui.models.networks import build_clip, build_unet, build_vae
from sdui.models.weights import Weights

from .about import TRAINING, metadata


@dataclass(frozen=True, slots=True)
class Networks:
    """What a checkpoint holds."""

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text: CLIPTextModel


def read_networks(file: Path) -> Networks:
    """In fp32 on the CPU, ready to learn. Raises ModelFileError when the file is no such checkpoint."""
    weights, cpu, dtype = Weights(file), torch.device("cpu"), torch.float32
    unet, vae = build_unet(weights, ldm.Facts(), cpu, dtype), build_vae(weights, cpu, dtype)
    text = build_clip(weights, cpu, dtype)
    for network in (unet, vae, text):
        network.requires_grad_(True)
    return Networks(unet, vae, text)


def training_of(file: Path) -> list[str]:
    """How the checkpoint was made, a line for each part; [] where it does not say."""
    return [line for line in read_metadata(file).get(TRAINING, "").splitlines() if line]


def write_networks(networks: Networks, file: Path, training: Sequence[str]) -> None:
    """In fp16; an earlier file is there until the new one is whole. training: see `training_of`."""
    unet, vae, text = (_state(network) for network in (networks.unet, networks.vae, networks.text))
    tensors = {f"{ldm.UNET}{name}": unet[own] for own, name in unet_names(unet).items()}
    tensors |= {f"{ldm.VAE}{name}": _as_convolution(name, vae[own]) for own, name in vae_names(vae).items()}
    tensors |= {f"{ldm.TEXT}text_model.{name.removeprefix('text_model.')}": text[name] for name in text}
    halves = {name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in tensors.items()}
    positions = networks.text.config.max_position_embeddings
    halves[f"{ldm.TEXT}text_model.embeddings.position_ids"] = torch.arange(positions)[None]
    part = file.with_suffix(".part")
    save_file(halves, part, dict(metadata(training)))
    part.replace(file)


def _state(network: torch.nn.Module) -> Mapping[str, Tensor]:
    return {name: tensor for name, tensor in network.state_dict().items() if not name.endswith("position_ids")}


def _as_convolution(name: str, tensor: Tensor) -> Tensor:
    return tensor[:, :, None, None] if ".attn_1." in name and tensor.dim() == 2 else tensor
