"""Writes Stable Diffusion checkpoints of any size with random weights: for measuring, not for looking at.

They are written tensor by tensor, so that one larger than the memory can be made."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sdui.models.ldm import OPEN_CLIP, TEXT, UNET, VAE

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]


@dataclass(frozen=True, slots=True)
class Text:
    """A text encoder: OpenAI's CLIP, or OpenCLIP."""

    prefix: str = TEXT
    width: int = 768
    layers: int = 12
    open_clip: bool = False


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a checkpoint is built from; the defaults are those of Stable Diffusion 1.5."""

    channels: int = 320
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    depths: tuple[int, ...] = (1, 1, 1, 0)
    """Transformer blocks after each residual block of a level."""
    middle_depth: int = 1
    context: int = 768
    """Of a token's vector, as the UNet gets it."""
    vector: int = 0
    """Of what SDXL is told beside the text; 0 for none."""
    linear: bool = False
    """Projections around the transformers are linear, not convolutions."""
    texts: tuple[Text, ...] = (Text(),)
    vae_channels: int = 128
    vae_multipliers: tuple[int, ...] = (1, 2, 4, 4)
    vae_blocks: int = 2


TINY = Sizes(
    32,
    (1, 2, 2, 2),
    context=64,
    texts=(Text(width=64, layers=2),),
    vae_channels=32,
    vae_multipliers=(1, 1, 1, 1),
    vae_blocks=1,
)
SD15 = Sizes()
SD21 = Sizes(context=1024, linear=True, texts=(Text(OPEN_CLIP, 1024, 24, open_clip=True),))
_BIG = 1280, 32
"""Width and layers of OpenCLIP's ViT-bigG."""
SDXL = Sizes(
    multipliers=(1, 2, 4),
    depths=(0, 2, 10),
    middle_depth=10,
    context=2048,
    vector=2816,
    linear=True,
    texts=(Text("conditioner.embedders.0.transformer."), Text("conditioner.embedders.1.model.", *_BIG, open_clip=True)),
)
SDXL_REFINER = Sizes(
    384,
    depths=(0, 4, 4, 0),
    middle_depth=4,
    context=1280,
    vector=2560,
    linear=True,
    texts=(Text("conditioner.embedders.0.model.", *_BIG, open_clip=True),),
)


def shapes_of(sizes: Sizes) -> dict[str, Shape]:
    """Every tensor of such a checkpoint."""
    texts = (named for text in sizes.texts for named in _text(text))
    return dict([*_unet(sizes), *_vae(sizes), *texts])


def write_random_checkpoint(path: Path, sizes: Sizes, dtype: torch.dtype = torch.float16) -> None:
    """Weights of a scale that keeps activations finite; seeded, so the same sizes give the same file."""
    shapes, name = shapes_of(sizes), {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}[dtype]
    header: dict[str, Any] = {"__metadata__": {"format": "pt", "modelspec.title": "random weights"}}
    end = 0
    for key, shape in shapes.items():
        begin, end = end, end + math.prod(shape) * dtype.itemsize
        header[key] = {"dtype": name, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = torch.Generator().manual_seed(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for key, shape in shapes.items():
            raw: Any = _random(key, shape, generator).to(dtype).view(-1).view(torch.uint8).numpy()
            file.write(memoryview(raw))
    temporary.replace(path)


def _random(name: str, shape: Shape, generator: torch.Generator) -> Tensor:
    if len(shape) > 1:
        return torch.randn(shape, generator=generator) * (0.5 / math.sqrt(math.prod(shape[1:])))
    is_norm = "norm" in name or ".ln_" in name
    return torch.full(shape, float(is_norm and name.endswith("weight")))


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


def _transformer(name: str, channels: int, depth: int, sizes: Sizes) -> Named:
    projection = (channels, channels) if sizes.linear else (channels, channels, 1, 1)
    if depth:
        yield from _layer(f"{name}.norm", channels)
        yield from _layer(f"{name}.proj_in", *projection)
    for block in (f"{name}.transformer_blocks.{i}" for i in range(depth)):
        for attention, source in (("attn1", channels), ("attn2", sizes.context)):
            yield f"{block}.{attention}.to_q.weight", (channels, channels)
            yield f"{block}.{attention}.to_k.weight", (channels, source)
            yield f"{block}.{attention}.to_v.weight", (channels, source)
            yield from _layer(f"{block}.{attention}.to_out.0", channels, channels)
        yield from _layer(f"{block}.ff.net.0.proj", 8 * channels, channels)
        yield from _layer(f"{block}.ff.net.2", channels, 4 * channels)
        for norm in ("norm1", "norm2", "norm3"):
            yield from _layer(f"{block}.{norm}", channels)
    if depth:
        yield from _layer(f"{name}.proj_out", *projection)


def _unet(sizes: Sizes) -> Named:
    """Two residual blocks a level on the way down, three on the way up."""
    first, time = sizes.channels, 4 * sizes.channels
    yield from _layer(f"{UNET}time_embed.0", time, first)
    yield from _layer(f"{UNET}time_embed.2", time, time)
    if sizes.vector:
        yield from _layer(f"{UNET}label_emb.0.0", time, sizes.vector)
        yield from _layer(f"{UNET}label_emb.0.2", time, time)
    yield from _layer(f"{UNET}input_blocks.0.0", first, 4, 3, 3)
    skips, index, channels, last = [first], 0, first, len(sizes.multipliers) - 1
    for level, multiplier in enumerate(sizes.multipliers):
        for _ in range(2):
            index += 1
            yield from _residual(f"{UNET}input_blocks.{index}.0", channels, first * multiplier, time)
            channels = first * multiplier
            yield from _transformer(f"{UNET}input_blocks.{index}.1", channels, sizes.depths[level], sizes)
            skips.append(channels)
        if level < last:
            index += 1
            yield from _layer(f"{UNET}input_blocks.{index}.0.op", channels, channels, 3, 3)
            skips.append(channels)
    yield from _residual(f"{UNET}middle_block.0", channels, channels, time)
    yield from _transformer(f"{UNET}middle_block.1", channels, sizes.middle_depth, sizes)
    yield from _residual(f"{UNET}middle_block.2", channels, channels, time)
    yield from _unet_output(sizes, skips, time)


def _unet_output(sizes: Sizes, skips: list[int], time: int) -> Named:
    channels, index = skips[-1], 0
    for level in reversed(range(len(sizes.multipliers))):
        for i in range(3):
            block, depth = f"{UNET}output_blocks.{index}", sizes.depths[level]
            wanted = sizes.channels * sizes.multipliers[level]
            yield from _residual(f"{block}.0", channels + skips.pop(), wanted, time)
            channels = wanted
            yield from _transformer(f"{block}.1", channels, depth, sizes)
            if level > 0 and i == 2:
                yield from _layer(f"{block}.{2 if depth else 1}.conv", channels, channels, 3, 3)
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


def _text(text: Text) -> Named:
    if text.open_clip:
        yield from _open_clip(text)
        return
    model, width = f"{text.prefix}text_model", text.width
    yield f"{model}.embeddings.token_embedding.weight", (49408, width)
    yield f"{model}.embeddings.position_embedding.weight", (77, width)
    for layer in (f"{model}.encoder.layers.{i}" for i in range(text.layers)):
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            yield from _layer(f"{layer}.self_attn.{part}", width, width)
        yield from _layer(f"{layer}.mlp.fc1", 4 * width, width)
        yield from _layer(f"{layer}.mlp.fc2", width, 4 * width)
        yield from _layer(f"{layer}.layer_norm1", width)
        yield from _layer(f"{layer}.layer_norm2", width)
    yield from _layer(f"{model}.final_layer_norm", width)


def _open_clip(text: Text) -> Named:
    model, width = text.prefix, text.width
    yield f"{model}positional_embedding", (77, width)
    yield f"{model}text_projection", (width, width)
    yield f"{model}logit_scale", ()
    yield f"{model}token_embedding.weight", (49408, width)
    for block in (f"{model}transformer.resblocks.{i}" for i in range(text.layers)):
        yield from _layer(f"{block}.ln_1", width)
        yield f"{block}.attn.in_proj_weight", (3 * width, width)
        yield f"{block}.attn.in_proj_bias", (3 * width,)
        yield from _layer(f"{block}.attn.out_proj", width, width)
        yield from _layer(f"{block}.ln_2", width)
        yield from _layer(f"{block}.mlp.c_fc", 4 * width, width)
        yield from _layer(f"{block}.mlp.c_proj", width, 4 * width)
    yield from _layer(f"{model}ln_final", width)
