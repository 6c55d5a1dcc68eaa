"""What moves pixels beside the request: the files, the machine, the libraries and the place in the batch."""

from __future__ import annotations

import platform
from typing import Any

import torch

from sdui import __version__

from .run import Run


def conditions_of(run: Run, position: int) -> dict[str, Any]:
    """For the picture at `position` of the running batch; the fields of `core/replay.py`'s Record."""
    device, source = run.lease.model.device, run.request.randn_source
    way, dtype = run.model.autoencoder.ways[position], run.lease.model.dtype
    return {
        "checkpoint": run.lease.sha256,
        "vae": run.lease.model.autoencoder.sha256,
        "adapters": {lease.name: lease.sha256 for lease in run.leases.taken if lease is not run.lease}
        | run.networks.sha256,
        "init_image": run.init.image_hash if run.init else "",
        "mask": run.init.mask_hash if run.init else "",
        "sdui": __version__,
        "torch": torch.__version__,
        "device": _name_of(device),
        "dtype": str(dtype).removeprefix("torch."),
        "vae_dtype": str(way.dtype).removeprefix("torch.") if way.dtype != dtype else "",
        "vae_strips": way.strips,
        "attention": "sdpa",
        "rng": _name_of(device) if source == "GPU" and device.type == "cuda" else source.replace("GPU", "CPU"),
        "threads": torch.get_num_threads() if device.type == "cpu" else 0,
        "batch_size": len(run.batch.seeds),
        "position": position,
    }


def _name_of(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} {platform.machine()}"
