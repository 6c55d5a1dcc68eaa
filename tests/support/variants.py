"""Random checkpoints of every kind that sdui draws with, small enough to be made for a test."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.models.ldm import OPEN_CLIP, TEXT, UNET

FIRST = f"{UNET}input_blocks.0.0.weight"
LAST_BIAS = f"{UNET}out.2.bias"


def random_weights(folder: Path, channels: int = 4) -> dict[str, torch.Tensor]:
    """Stable Diffusion 1.x in float32 whose UNet takes so many channels; norms and biases are random too."""
    write_random_checkpoint(folder / "random.safetensors", TINY, torch.float32)
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


def save(weights: dict[str, torch.Tensor], path: Path) -> Path:
    save_file(weights, path, {"format": "pt"})
    return path
