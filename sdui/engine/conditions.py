"""What moves pixels beside the request: the machine, the libraries, the files and the place in the batch."""

from __future__ import annotations

import hashlib
import platform
from typing import Any

import torch

from sdui import __version__

from .run import Run


def conditions_of(run: Run, position: int) -> dict[str, Any]:
    """For the picture at `position` of the running batch; see `core/replay.py` for what is done with them."""
    request, device = run.request, run.lease.model.device
    inpaint = request.init.inpaint if request.init else None
    return {
        "sdui": __version__,
        "torch": torch.__version__,
        "device": _device_name(device),
        "dtype": "float32",
        "attention": "sdpa",
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
        "rng": request.randn_source,
        "checkpoint": run.lease.sha256,
        "init_image": _digest(request.init.image) if request.init else None,
        "mask": _digest(inpaint.mask) if inpaint else None,
        "batch_size": len(run.batch.seeds),
        "batch_position": position,
        "batch": run.pace.batch,
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
