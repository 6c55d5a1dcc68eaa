"""Random checkpoints of every kind that sdui draws with, small enough to be made for a test."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from sdui.bench.random_checkpoint import TINY, Sizes, Text, write_random_checkpoint
from sdui.models.ldm import DEPTH, OPEN_CLIP, TEXT, UNET

FIRST = f"{UNET}input_blocks.0.0.weight"
LAST_BIAS = f"{UNET}out.2.bias"
_EMBEDDERS = "conditioner.embedders."
SDXL = replace(
    TINY,
    multipliers=(1, 2, 2),
    depths=(0, 1, 2),
    middle_depth=2,
    context=128,
    vector=64 + 6 * 256,
    linear=True,
    texts=(Text(f"{_EMBEDDERS}0.transformer.", 64, 3), Text(f"{_EMBEDDERS}1.model.", 64, 3, open_clip=True)),
)
SDXL_REFINER = replace(
    SDXL,
    multipliers=(1, 2, 2, 2),
    depths=(0, 1, 2, 0),
    context=64,
    vector=64 + 5 * 256,
    texts=(Text(f"{_EMBEDDERS}0.model.", 64, 3, open_clip=True),),
)


def random_weights(folder: Path, channels: int = 4, sizes: Sizes = TINY) -> dict[str, torch.Tensor]:
    """In float32; its UNet takes so many channels. Norms and biases are random too."""
    write_random_checkpoint(folder / "random.safetensors", sizes, torch.float32)
    weights = load_file(folder / "random.safetensors")
    generator = torch.Generator().manual_seed(1)
    for key, tensor in weights.items():
        if tensor.ndim == 1:
            weights[key] = torch.randn(tensor.shape, generator=generator) * 0.1 + key.endswith("weight")
    more = torch.randn(weights[FIRST].shape[0], channels - 4, 3, 3, generator=generator) * 0.1
    weights[FIRST] = torch.cat([weights[FIRST], more], dim=1)
    return weights


class OpenClip(nn.Module):
    """OpenCLIP's text encoder in PyTorch's own layers, with its names; gives the last layer but one, normed."""

    def __init__(self, width: int = 64, layers: int = 3) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(49408, width)
        self.positional_embedding = nn.Parameter(torch.randn(77, width))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(_Layer(width) for _ in range(layers))
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, width))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.token_embedding(tokens) + self.positional_embedding
        for layer in self.transformer.resblocks[:-1]:
            x = layer(x)
        return self.ln_final(x)


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, 4 * width))
        self.mlp.add_module("gelu", nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        seen = self.ln_1(x)
        x = x + self.attn(seen, seen, seen, attn_mask=later, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


def as_sd2(weights: dict[str, torch.Tensor], text: OpenClip) -> dict[str, torch.Tensor]:
    """The same networks as a checkpoint of Stable Diffusion 2.x."""
    changed = {key: tensor for key, tensor in weights.items() if not key.startswith(TEXT)}
    for key in [key for key in changed if ".proj_in.weight" in key or (UNET in key and ".proj_out.weight" in key)]:
        changed[key] = changed[key][:, :, 0, 0].contiguous()
    return changed | {f"{OPEN_CLIP}{key}": tensor for key, tensor in text.state_dict().items()}


def as_ssd(weights: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """SDXL with the holes of SSD-1B, and with parts in their place that change nothing."""
    middle = tuple(f"{UNET}middle_block.{i}." for i in (1, 2))
    second = ("input_blocks.7.1", "output_blocks.0.1", "output_blocks.1.1")
    gone = (*middle, *(f"{UNET}{block}.transformer_blocks.1." for block in second))
    last = (
        ".attn1.to_out.0.",
        ".attn2.to_out.0.",
        ".ff.net.2.",
        "middle_block.1.proj_out.",
        "middle_block.2.out_layers.3.",
    )
    idle = {
        key: torch.zeros_like(tensor) if key.startswith(gone) and any(part in key for part in last) else tensor
        for key, tensor in weights.items()
    }
    return {key: tensor for key, tensor in weights.items() if not key.startswith(gone)}, idle


def depth_weights() -> dict[str, torch.Tensor]:
    """A tiny network under the names of MiDaS' hybrid one, with a classifier's head that nothing needs."""
    generator = torch.Generator().manual_seed(3)
    return {f"{DEPTH}{key}": _depth_tensor(key, shape, generator) for key, shape in _depth_shapes().items()}


def _depth_tensor(key: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(shape, generator=generator)
    if len(shape) == 1:
        return noise * 0.1 + ("norm" in key and key.endswith("weight"))
    return noise if key.endswith(("pos_embed", "cls_token")) else noise * shape[1:].numel() ** -0.5


def _depth_shapes() -> dict[str, torch.Size]:
    vit, fused = "pretrained.model.", 16
    backbone = f"{vit}patch_embed.backbone."
    weights = {
        f"{vit}cls_token": (1, 1, 64),
        f"{vit}pos_embed": (1, 17, 64),
        f"{backbone}stem.conv.weight": (32, 3, 7, 7),
    }
    layers = {f"{backbone}stem.norm": (32,), f"{vit}patch_embed.proj": (64, 128, 1, 1), f"{vit}norm": (64,)}
    layers |= {f"{vit}head": (10, 64)}
    for stage, channels in enumerate((32, 128, 128)):
        block = f"{backbone}stages.{stage}.blocks.0."
        kernels = {"conv1": (32, channels, 1, 1), "conv2": (32, 32, 3, 3), "conv3": (128, 32, 1, 1)}
        kernels["downsample.conv"] = (128, channels, 1, 1)
        weights |= {f"{block}{name}.weight": shape for name, shape in kernels.items()}
        layers |= {f"{block}{name}": (width,) for name, width in (("norm1", 32), ("norm2", 32), ("norm3", 128))}
        layers |= {f"{block}downsample.norm": (128,)}
    for block in (f"{vit}blocks.{i}." for i in range(4)):
        layers |= {f"{block}norm1": (64,), f"{block}norm2": (64,), f"{block}attn.qkv": (192, 64)}
        layers |= {f"{block}attn.proj": (64, 64), f"{block}mlp.fc1": (256, 64), f"{block}mlp.fc2": (64, 256)}
    for i, channels in enumerate((128, 128, 48, 48), 1):
        weights |= {f"scratch.layer{i}_rn.weight": (fused, channels, 3, 3)}
        layers |= {f"scratch.refinenet{i}.out_conv": (fused, fused, 1, 1)}
        units = [f"scratch.refinenet{i}.resConfUnit{unit}.conv{conv}" for unit in (1, 2) for conv in (1, 2)]
        layers |= dict.fromkeys(units, (fused, fused, 3, 3))
    for i in (3, 4):
        layers |= {f"pretrained.act_postprocess{i}.0.project.0": (64, 128)}
        layers |= {f"pretrained.act_postprocess{i}.3": (48, 64, 1, 1)}
    layers |= {"pretrained.act_postprocess4.4": (48, 48, 3, 3), "scratch.output_conv.0": (8, fused, 3, 3)}
    layers |= {"scratch.output_conv.2": (32, 8, 3, 3), "scratch.output_conv.4": (1, 32, 1, 1)}
    for name, shape in layers.items():
        weights |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {name: torch.Size(shape) for name, shape in weights.items()}


def save(weights: dict[str, torch.Tensor], path: Path) -> Path:
    save_file(weights, path, {"format": "pt"})
    return path
