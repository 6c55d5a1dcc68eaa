"""Writes Stable Diffusion 1.x checkpoints of any size with random weights: for measuring, not for looking at."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

from sdui.models.ldm import TEXT, UNET, VAE

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a checkpoint is built from; the defaults are those of Stable Diffusion 1.5."""

    channels: int = 320
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    vae_channels: int = 128
    vae_multipliers: tuple[int, ...] = (1, 2, 4, 4)
    vae_blocks: int = 2
    text_width: int = 768
    text_layers: int = 12


TINY = Sizes(32, (1, 2, 2, 2), 32, (1, 1, 1, 1), 1, 64, 2)


def write_random_checkpoint(path: Path, sizes: Sizes, dtype: torch.dtype = torch.float16) -> None:
    """Weights of a scale that keeps activations finite; seeded, so the same sizes give the same file."""
    generator = torch.Generator().manual_seed(0)
    tensors: dict[str, torch.Tensor] = {}
    for name, shape in (*_unet(sizes), *_vae(sizes), *_text(sizes)):
        if len(shape) > 1:
            scale = 0.5 / math.sqrt(math.prod(shape[1:]))
            tensors[name] = (torch.randn(shape, generator=generator) * scale).to(dtype)
        else:
            tensors[name] = torch.full(shape, float("norm" in name and name.endswith("weight")), dtype=dtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, {"format": "pt", "modelspec.title": "random weights"})
    temporary.replace(path)


def _layer(name: str, *shape: int) -> Named:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _residual(name: str, channels_in: int, channels: int, time: int) -> Named:
    yield from _layer(f"{name}.in_layers.0", channels_in)
    yield from _layer(f"{name}.in_layers.2", channels, channels_in, 3, 3)
    yield from _layer(f"{name}.emb_layers.1", channels, time)
    yield from _layer(f"{name}.out_layers.0", channels)
    yield from _layer(f"{name}.out_layers.3", channels, channels, 3, 3)
    if channels_in != channels:
        yield from _layer(f"{name}.skip_connection", channels, channels_in, 1, 1)


def _transformer(name: str, channels: int, context: int) -> Named:
    yield from _layer(f"{name}.norm", channels)
    yield from _layer(f"{name}.proj_in", channels, channels, 1, 1)
    block = f"{name}.transformer_blocks.0"
    for attention, source in (("attn1", channels), ("attn2", context)):
        yield f"{block}.{attention}.to_q.weight", (channels, channels)
        yield f"{block}.{attention}.to_k.weight", (channels, source)
        yield f"{block}.{attention}.to_v.weight", (channels, source)
        yield from _layer(f"{block}.{attention}.to_out.0", channels, channels)
    yield from _layer(f"{block}.ff.net.0.proj", 8 * channels, channels)
    yield from _layer(f"{block}.ff.net.2", channels, 4 * channels)
    for norm in ("norm1", "norm2", "norm3"):
        yield from _layer(f"{block}.{norm}", channels)
    yield from _layer(f"{name}.proj_out", channels, channels, 1, 1)


def _unet(sizes: Sizes) -> Named:
    """12 input and 12 output blocks: two residual blocks a level, attention everywhere but at the lowest level."""
    first, time, context = sizes.channels, 4 * sizes.channels, sizes.text_width
    yield from _layer(f"{UNET}time_embed.0", time, first)
    yield from _layer(f"{UNET}time_embed.2", time, time)
    yield from _layer(f"{UNET}input_blocks.0.0", first, 4, 3, 3)
    skips, index, channels, last = [first], 0, first, len(sizes.multipliers) - 1
    for level, multiplier in enumerate(sizes.multipliers):
        for _ in range(2):
            index += 1
            yield from _residual(f"{UNET}input_blocks.{index}.0", channels, first * multiplier, time)
            channels = first * multiplier
            if level < last:
                yield from _transformer(f"{UNET}input_blocks.{index}.1", channels, context)
            skips.append(channels)
        if level < last:
            index += 1
            yield from _layer(f"{UNET}input_blocks.{index}.0.op", channels, channels, 3, 3)
            skips.append(channels)
    yield from _residual(f"{UNET}middle_block.0", channels, channels, time)
    yield from _transformer(f"{UNET}middle_block.1", channels, context)
    yield from _residual(f"{UNET}middle_block.2", channels, channels, time)
    yield from _unet_output(sizes, skips, time)


def _unet_output(sizes: Sizes, skips: list[int], time: int) -> Named:
    channels, index, last = skips[-1], 0, len(sizes.multipliers) - 1
    for level in reversed(range(len(sizes.multipliers))):
        for i in range(3):
            block = f"{UNET}output_blocks.{index}"
            wanted = sizes.channels * sizes.multipliers[level]
            yield from _residual(f"{block}.0", channels + skips.pop(), wanted, time)
            channels = wanted
            if level < last:
                yield from _transformer(f"{block}.1", channels, sizes.text_width)
            if level > 0 and i == 2:
                yield from _layer(f"{block}.{2 if level < last else 1}.conv", channels, channels, 3, 3)
            index += 1
    yield from _layer(f"{UNET}out.0", channels)
    yield from _layer(f"{UNET}out.2", 4, channels, 3, 3)


def _vae_block(name: str, channels_in: int, channels: int) -> Named:
    yield from _layer(f"{name}.norm1", channels_in)
    yield from _layer(f"{name}.conv1", channels, channels_in, 3, 3)
    yield from _layer(f"{name}.norm2", channels)
    yield from _layer(f"{name}.conv2", channels, channels, 3, 3)
    if channels_in != channels:
        yield from _layer(f"{name}.nin_shortcut", channels, channels_in, 1, 1)


def _vae_middle(name: str, channels: int) -> Named:
    yield from _vae_block(f"{name}.block_1", channels, channels)
    yield from _layer(f"{name}.attn_1.norm", channels)
    for part in ("q", "k", "v", "proj_out"):
        yield from _layer(f"{name}.attn_1.{part}", channels, channels, 1, 1)
    yield from _vae_block(f"{name}.block_2", channels, channels)


def _vae(sizes: Sizes) -> Named:
    widths = [sizes.vae_channels * multiplier for multiplier in sizes.vae_multipliers]
    encoder, decoder, last = f"{VAE}encoder", f"{VAE}decoder", len(widths) - 1
    yield from _layer(f"{encoder}.conv_in", widths[0], 3, 3, 3)
    channels = widths[0]
    for level, width in enumerate(widths):
        for i in range(sizes.vae_blocks):
            yield from _vae_block(f"{encoder}.down.{level}.block.{i}", channels, width)
            channels = width
        if level < last:
            yield from _layer(f"{encoder}.down.{level}.downsample.conv", channels, channels, 3, 3)
    yield from _vae_middle(f"{encoder}.mid", channels)
    yield from _layer(f"{encoder}.norm_out", channels)
    yield from _layer(f"{encoder}.conv_out", 8, channels, 3, 3)
    yield from _layer(f"{VAE}quant_conv", 8, 8, 1, 1)
    yield from _layer(f"{VAE}post_quant_conv", 4, 4, 1, 1)
    yield from _layer(f"{decoder}.conv_in", channels, 4, 3, 3)
    yield from _vae_middle(f"{decoder}.mid", channels)
    for level in reversed(range(len(widths))):
        for i in range(sizes.vae_blocks + 1):
            yield from _vae_block(f"{decoder}.up.{level}.block.{i}", channels, widths[level])
            channels = widths[level]
        if level > 0:
            yield from _layer(f"{decoder}.up.{level}.upsample.conv", channels, channels, 3, 3)
    yield from _layer(f"{decoder}.norm_out", channels)
    yield from _layer(f"{decoder}.conv_out", 3, channels, 3, 3)


def _text(sizes: Sizes) -> Named:
    model, width = f"{TEXT}text_model", sizes.text_width
    yield f"{model}.embeddings.token_embedding.weight", (49408, width)
    yield f"{model}.embeddings.position_embedding.weight", (77, width)
    for i in range(sizes.text_layers):
        layer = f"{model}.encoder.layers.{i}"
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from _layer(f"{layer}.self_attn.{part}", width, width)
        yield from _layer(f"{layer}.mlp.fc1", 4 * width, width)
        yield from _layer(f"{layer}.mlp.fc2", width, 4 * width)
        yield from _layer(f"{layer}.layer_norm1", width)
        yield from _layer(f"{layer}.layer_norm2", width)
    yield from _layer(f"{model}.final_layer_norm", width)
