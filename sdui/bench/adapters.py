"""What a LoRA costs: merging it into a full-size checkpoint, and swapping it in again, against one sampling step."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor, nn

from sdui.models.adapters.merged import Chosen
from sdui.models.families.base import Conditioning
from sdui.models.files import ModelFiles
from sdui.models.store import ModelStore

from .rows import Row

_GROUP = "LoRA, SD 1.5 size, fp32"
_RANK = 80
_IN_UNET = ("attentions",)
_IN_TEXTS = ("self_attn", "mlp")
_ROUNDS = 3


def measure_adapters(checkpoints: Path, work: Path) -> Iterator[Row]:
    """checkpoints: a folder with one of Stable Diffusion 1.5's size."""
    store = ModelStore(ModelFiles({"checkpoint": [checkpoints]}, work / "cache"), device="cpu", precision="fp32")
    with store.lease("", "", lambda name: None) as lease:
        model: Any = lease.model
    lora = _write_lora(model, work / "lora.safetensors")
    yield Row(_GROUP, "file", lora.stat().st_size / 2**20, "MB")
    steps = [_timed_step(model) for _ in range(1 + _ROUNDS)][1:]
    first, again, back = zip(*(_timed_swaps(model, lora) for _ in range(_ROUNDS)), strict=True)
    yield Row(_GROUP, "one step, 512x512 with negative prompt", statistics.median(steps), "s")
    yield Row(_GROUP, "read, merge and swap in", statistics.median(first), "s")
    yield Row(_GROUP, "read, merge and swap in / one step", statistics.median(first) / statistics.median(steps))
    yield Row(_GROUP, "swap in again", statistics.median(again) * 1000, "ms")
    yield Row(_GROUP, "swap out", statistics.median(back) * 1000, "ms")


def _write_lora(model: Any, path: Path) -> Path:
    """For the layers that kohya's trainer changes, under its names."""
    generator = torch.Generator().manual_seed(0)
    tensors: dict[str, Tensor] = {}
    for prefix, network, places in (("unet", model.unet, _IN_UNET), ("te", model.text_encoder, _IN_TEXTS)):
        for name, module in network.named_modules():
            if not isinstance(module, nn.Linear | nn.Conv2d) or not any(place in name for place in places):
                continue
            out, inner, *window = module.weight.shape
            layer = f"lora_{prefix}_{'' if prefix == 'unet' else 'text_model_'}{name.replace('.', '_')}"
            for part, shape in (("up", (out, _RANK)), ("down", (_RANK, inner))):
                tensor = torch.randn((*shape, *(1 for _ in window)), generator=generator) * 0.01
                tensors[f"{layer}.lora_{part}.weight"] = tensor.half()
            tensors[f"{layer}.alpha"] = torch.tensor(float(_RANK)).half()
    save_file(tensors, path)
    return path


@torch.inference_mode()
def _timed_step(model: Any) -> float:
    x = torch.randn(2, model.latent.channels, 64, 64, generator=torch.Generator().manual_seed(0))
    told = Conditioning(torch.zeros(2, 77, model.text_widths[0]))
    begun = time.perf_counter()
    model.denoise(x, 1.0, 500.0, told)
    return time.perf_counter() - begun


def _timed_swaps(model: Any, lora: Path) -> tuple[float, float, float]:
    """In for the first time, in again, out; seconds."""
    model.adapters.release()
    chosen = [Chosen(lora, 0.8, 0.8)]
    begun = time.perf_counter()
    with model.adapters.applied(chosen):
        first = time.perf_counter() - begun
    begun = time.perf_counter()
    with model.adapters.applied(chosen):
        entered = time.perf_counter()
    return first, entered - begun, time.perf_counter() - entered
