"""Loads an upscaler of any architecture that spandrel knows, from a file of any format that is safe to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sdui.core.errors import ModelFileError
from sdui.models.side_models import SideModels
from sdui.models.weights import Weights

from .global_means import GlobalMeans

_SHALLOW, _DEEP, _ATTENTIVE = 32, 48, 64
_FEW = 32
"""Convolutions, each of which reaches one pixel further."""
_WRAPPINGS = ("params_ema.", "params-ema.", "params.", "state_dict.", "model.", "net.", "module.")
"""Names before all others in files of training programs; of several, the first is meant."""


@dataclass(frozen=True, slots=True)
class Upscaling:
    """A network that makes pictures `scale` times larger."""

    network: Any
    """spandrel's ImageModelDescriptor."""
    scale: int
    dtype: torch.dtype
    means: GlobalMeans

    @property
    def context(self) -> int:
        """Pixels around a tile that its result depends on by more than 1/255, as measured on Real-ESRGAN and DAT."""
        if self.means:
            return _ATTENTIVE
        convolutions = sum(isinstance(one, nn.Conv2d) for one in self.network.model.modules())
        return _SHALLOW if convolutions <= _FEW else _DEEP

    def __call__(self, images: Tensor) -> Tensor:
        """[1,3,H,W] in 0..1, float32 -> [1,3,H*scale,W*scale] in 0..1, float32; NaN only where fp32 gives NaN."""
        made = self.network(images.to(self.dtype)).float()
        if self.dtype != torch.float32 and not torch.isfinite(made).all():
            self.network.to(torch.float32)
            made = self.network(images).float()
            self.network.to(self.dtype)
        return made


def load(path: Path, side: SideModels) -> Upscaling:
    """On the device of `side`. Raises ModelFileError, naming the file."""
    network = read_network(path)
    if network.purpose not in ("SR", "Restoration"):
        raise ModelFileError(f"{path} is a model for something else than enlarging pictures ({network.purpose}).")
    if network.input_channels != 3 or network.output_channels != 3:
        raise ModelFileError(f"{path} is not made for colour pictures. Choose another upscaler.")
    dtype = _dtype(network, side)
    return Upscaling(network.to(side.device, dtype).eval(), network.scale, dtype, GlobalMeans(network.model))


def read_network(path: Path) -> Any:
    """spandrel's ImageModelDescriptor, on the CPU. Raises ModelFileError, naming the file."""
    from spandrel import MAIN_REGISTRY, ArchRegistry, ImageModelDescriptor, ModelLoader, UnsupportedModelError
    from spandrel_extra_arches import EXTRA_REGISTRY

    weights = Weights(path)
    state = {name: weights.tensor(name) for name in weights.shapes}
    known = ArchRegistry()
    known.add(*MAIN_REGISTRY, *EXTRA_REGISTRY)
    try:
        network = ModelLoader("cpu", known).load_from_state_dict(_unwrapped(state))
    except (UnsupportedModelError, KeyError, ValueError, RuntimeError, IndexError, AttributeError, TypeError) as error:
        raise ModelFileError(f"{path} is no upscaler or face restorer that can be used here. Remove it.") from error
    if not isinstance(network, ImageModelDescriptor):
        raise ModelFileError(f"{path} is a model for something else than enlarging pictures ({network.purpose}).")
    return network


def _dtype(network: Any, side: SideModels) -> torch.dtype:
    """Half precision where the architecture bears it and the device gains from it."""
    if side.device.type == "cpu" or side.dtype == torch.float32:
        return torch.float32
    if side.dtype == torch.bfloat16 and network.supports_bfloat16:
        return torch.bfloat16
    return torch.float16 if network.supports_half else torch.float32


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for wrapping in _WRAPPINGS:
        inner = {name.removeprefix(wrapping): tensor for name, tensor in state.items() if name.startswith(wrapping)}
        if inner and 2 * len(inner) >= len(state):
            return inner
    return dict(state)
