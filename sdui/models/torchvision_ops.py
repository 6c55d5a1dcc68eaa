"""torchvision's operators, declared where its own library cannot be loaded.

PyPI's torchvision is built for CUDA. Beside the CPU torch its library is left out, and then declaring what its Python
code does with two of the operators fails: importing torchvision, and with it transformers, ends there.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import torch

_OPERATORS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def declare_missing() -> None:
    """Before torchvision, diffusers or transformers are imported. Does nothing where the library fits, or is absent."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None or hasattr(torch.ops.torchvision, _OPERATORS[0]):
        return
    if _cuda_of(Path(spec.origin).with_name("version.py")) == (torch.version.cuda or "").replace(".", ""):
        return
    for name in _OPERATORS:
        torch.library.define(f"torchvision::{name}", _SIGNATURE)


def _cuda_of(version: Path) -> str:
    """ "130" of the version 0.28.0+cu130 in torchvision's version.py; "" for a build without CUDA."""
    text = version.read_text(encoding="utf-8") if version.exists() else ""
    found = re.search(r"__version__ *= *['\"][^'\"]*\+cu(\d+)", text)
    return found[1] if found else ""
