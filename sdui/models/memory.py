"""How much memory is free, how much a checkpoint takes, and giving back what is no longer used."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
from collections.abc import Mapping
from typing import Any

import psutil
import torch

from . import ldm

_AVERAGED = "model_ema."
"""A second copy of the UNet that training leaves in some files; it is never loaded."""


def free_ram() -> int:
    """Bytes that can be used without swapping."""
    return psutil.virtual_memory().available


def free_on(device: torch.device) -> int:
    """Bytes; a GPU's that this process holds without using them count as free."""
    if device.type != "cuda":
        return free_ram()
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def ram_in_use() -> dict[str, int]:
    """Bytes: those that can be used without swapping, this process's, all."""
    used = psutil.Process().memory_info().rss
    return {"free": free_ram(), "used": used, "total": psutil.virtual_memory().total}


def gpu_in_use(device: torch.device) -> dict[str, Any]:
    """A1111's report: bytes, and how often memory was short; its "error" where there is no CUDA."""
    if device.type != "cuda":
        return {"error": "unavailable"}
    free, total = torch.cuda.mem_get_info(device)
    told = torch.cuda.memory_stats(device)

    def both(name: str) -> dict[str, int]:
        return {part: told.get(f"{name}.all.{part}", 0) for part in ("current", "peak")}

    return {
        "system": {"free": free, "used": total - free, "total": total},
        "active": both("active_bytes"),
        "allocated": both("allocated_bytes"),
        "reserved": both("reserved_bytes"),
        "inactive": both("inactive_split_bytes"),
        "events": {"retries": told.get("num_alloc_retries", 0), "oom": told.get("num_ooms", 0)},
    }


def weight_bytes(shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype, vae_dtype: torch.dtype) -> int:
    """What the networks take once loaded."""
    return sum(
        math.prod(shape) * (vae_dtype if name.startswith(ldm.VAE) else dtype).itemsize
        for name, shape in shapes.items()
        if not name.startswith(_AVERAGED)
    )


def give_back() -> None:
    """To the system and the GPU, what nothing refers to any more.

    glibc keeps what was freed between blocks that are in use: without this, each checkpoint that is loaded after
    another would leave the process a little larger.
    """
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim:
            trim(0)
