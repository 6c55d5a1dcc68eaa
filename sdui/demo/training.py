"""One network on its way: optimizer, average of its weights, rate, and a file that it goes on from."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

_SAVE_EVERY = 1000
"""Steps; a stop loses at most these."""


class Trainee:
    """A network that learns. Every step's random numbers are seeded by the step, so a stop changes nothing."""

    def __init__(
        self, network: nn.Module, file: Path, *, rate: float, decay: float = 0.3, average: float = 0.999
    ) -> None:
        self.network, self.file = network, file
        self._rate, self._decay, self._average = rate, decay, average
        self._learning = {name: value for name, value in network.named_parameters() if value.requires_grad}
        self._parameters = list(self._learning.values())
        self._smooth = [parameter.detach().clone() for parameter in self._parameters]
        self._optimizer = torch.optim.AdamW(self._parameters, lr=rate, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
        self.step, self.seconds = 0, 0.0
        if file.is_file():
            self._load()

    def learn(
        self, total: int, loss_at: Callable[[int], Tensor], at_checkpoint: Callable[[], None] | None = None
    ) -> None:
        """Goes on to step `total`; the rate rises over the first 100 steps and falls over the last part of them."""
        label, losses = self.file.stem, 0.0
        with tqdm(total=total, initial=self.step, desc=label, unit="step", mininterval=5) as bar:
            for step in range(self.step, total):
                begun = time.monotonic()
                torch.manual_seed(step)
                loss = loss_at(step)
                self._improve(loss, min(1.0, (step + 1) / 100, (total - step) / max(1, self._decay * total)))
                self.step, self.seconds = step + 1, self.seconds + time.monotonic() - begun
                losses = loss.item() if not losses else 0.99 * losses + 0.01 * loss.item()
                bar.update()
                bar.set_postfix(loss=f"{losses:.4f}", refresh=False)
                if self.step % _SAVE_EVERY == 0 or self.step == total:
                    self._save()
                    if at_checkpoint:
                        at_checkpoint()

    def averaged(self) -> dict[str, Tensor]:
        """The network's state with the average of its last thousand steps or so: calmer than the last one."""
        return self.network.state_dict() | dict(zip(self._learning, self._smooth, strict=True))

    def _improve(self, loss: Tensor, share: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * share
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        weight = min(self._average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for smooth, parameter in zip(self._smooth, self._parameters, strict=True):
                smooth.lerp_(parameter, 1 - weight)

    def _save(self) -> None:
        part = self.file.with_suffix(".part")
        state = {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._smooth,
            "step": self.step,
            "seconds": self.seconds,
        }
        torch.save(state, part)
        part.replace(self.file)

    def _load(self) -> None:
        state: dict[str, Any] = torch.load(self.file, map_location="cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        for smooth, stored in zip(self._smooth, state["average"], strict=True):
            smooth.copy_(stored)
        self.step, self.seconds = state["step"], state["seconds"]
