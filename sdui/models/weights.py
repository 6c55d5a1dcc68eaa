"""The weights of one model file, read where and as they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

from sdui.core.errors import ModelFileError

from .header import Header, read_header


class Weights:
    """Names and shapes at once, tensors when they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises ModelFileError, naming the file."""
        self.path = path
        self.header: Header = read_header(path)

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return self.header.shapes

    def read(self, prefix: str, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        """All tensors whose names begin with `prefix`, under their full names. Raises ModelFileError."""
        try:
            opened: Any = safe_open(self.path, "pt")
            with opened as file:
                names = [name for name in self.shapes if name.startswith(prefix)]
                return {name: file.get_tensor(name).to(device, dtype) for name in names}
        except (OSError, SafetensorError) as error:
            raise ModelFileError(f"{self.path} cannot be loaded: {error}") from error
