"""Where a checkpoint's networks are: on the device, in RAM until they compute, or still in their file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

RAM = torch.device("cpu")
Part = Literal["text", "unet", "vae"]
Networks = Mapping[Part, Sequence[nn.Module]]
Mode = Literal["all", "model", "sequential"]
"""What is on the device while a checkpoint is used: all of it, the part that computes, or of the UNet only the layer
that computes."""


@dataclass(frozen=True, slots=True)
class Vram:
    """The modes that the user asks for; "auto" takes the fastest that fits."""

    mode: Mode | Literal["auto"] = "auto"
    sdxl: Mode | Literal["auto"] = "auto"
    """Of Stable Diffusion XL."""


def fastest_mode(weights: int, unet: int, free: int) -> Mode:
    """What fits into so many bytes that are free for weights; weights: of all networks, unet: of the largest."""
    if weights <= free:
        return "all"
    return "model" if unet <= free else "sequential"


class Placement:
    """The model says which part it is about to compute with, the store which model is in use.

    Looks at the networks anew each time and moves what is found elsewhere, so weights may be exchanged at any moment
    but while a network computes. The bits of the weights never change.
    """

    def __init__(self, device: torch.device, networks: Callable[[], Networks]) -> None:
        """device: where the networks are now; `networks` gives those that the model would use now."""
        self.device = device
        self.mode: Mode = "all"
        self.settled = True
        """Ready to compute with; what is not still can, but more slowly."""
        self.spilled = False
        """Without weights: it cannot compute."""
        self._networks = networks
        self._visits: list[_Visits] = []

    def on_device(self) -> int:
        """Bytes that this model takes of the device."""
        return sum(tensor.nbytes for tensor in self._tensors() if tensor.device == self.device)

    def bytes(self) -> int:
        return sum(tensor.nbytes for tensor in self._tensors() if not tensor.is_meta)

    def settle(self, device: torch.device, mode: Mode) -> None:
        """Make ready to compute on `device`. Raises torch.OutOfMemoryError."""
        self.device, self.mode = device, mode
        if mode == "all":
            self._move(device, "text", "unet", "vae")
        elif mode == "sequential" and not self._visits:
            self._visits = [_Visits(layer, device) for unet in self._networks()["unet"] for layer in unet.modules()]
        self.settled = True

    def retreat(self) -> None:
        """Into RAM, until it is settled again."""
        for visits in self._visits:
            visits.end()
        self._visits.clear()
        self._move(RAM, "text", "unet", "vae")
        self.settled, self.mode = False, "model"

    def use(self, part: Part) -> None:
        """Called by the model before it computes with a part."""
        if self.mode == "all":
            if part == "vae":
                # It may be a file's that another checkpoint had taken into RAM with itself.
                self._move(self.device, part)
            return
        others: set[Part] = {"text", "unet", "vae"}
        if part != "unet" or self.mode != "sequential":
            others.remove(part)
        self._move(RAM, *others)
        if part not in others:
            self._move(self.device, part)

    def spill(self, *parts: Part) -> None:
        """Forget their weights, even where someone still refers to the networks.

        `refill` brings back all but the VAE's, which may be another file's.
        """
        for network in (network for part in parts for network in self._networks()[part]):
            for layer in network.modules():
                for name, weight in layer.named_parameters(recurse=False):
                    setattr(layer, name, _parameter(torch.empty_like(weight, device="meta")))
        self.retreat()
        self.spilled = True

    def refill(self, fresh: Placement) -> None:
        """Take over the weights of the same checkpoint, read again."""
        parts: tuple[Part, ...] = ("text", "unet")
        for part in parts:
            for network, source in zip(self._networks()[part], fresh._networks()[part], strict=True):
                network.load_state_dict(source.state_dict(), assign=True)
                network.requires_grad_(False)
        self.spilled = False

    def _move(self, to: torch.device, *parts: Part) -> None:
        # Under inference mode the moved weights would stay tensors that can only be used there.
        with torch.inference_mode(False), torch.no_grad():
            for tensor in self._tensors(*parts):
                if tensor.device != to and not tensor.is_meta:
                    tensor.data = tensor.data.to(to)

    def _tensors(self, *parts: Part) -> Iterator[Tensor]:
        for part, networks in self._networks().items():
            if not parts or part in parts:
                for network in networks:
                    yield from network.parameters()
                    yield from network.buffers()


@dataclass(slots=True)
class _Visits:
    """One layer's own weights are on the device while it computes, and nowhere else but in RAM otherwise."""

    layer: nn.Module
    device: torch.device
    _at_home: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    _hooks: list[RemovableHandle] = field(default_factory=list[RemovableHandle])

    def __post_init__(self) -> None:
        self._hooks = [
            self.layer.register_forward_pre_hook(self._arrive),
            self.layer.register_forward_hook(self._leave, always_call=True),
        ]

    def end(self) -> None:
        for hook in self._hooks:
            hook.remove()

    def _arrive(self, layer: nn.Module, arguments: object) -> None:
        self._at_home = {**dict(layer.named_parameters(recurse=False)), **dict(layer.named_buffers(recurse=False))}
        for name, tensor in self._at_home.items():
            moved = tensor.to(self.device)
            setattr(layer, name, _parameter(moved) if isinstance(tensor, nn.Parameter) else moved)

    def _leave(self, layer: nn.Module, arguments: object, result: object) -> None:
        for name, tensor in self._at_home.items():
            setattr(layer, name, tensor)
        self._at_home = {}


def _parameter(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)
