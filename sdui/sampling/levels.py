"""Noise levels: which sigma a network knows each training timestep by, and how a request may bend that table."""

from __future__ import annotations

import math
from bisect import bisect_right

import torch
from torch import Tensor

from sdui.core.sampling_options import SamplingOptions

_LAST_ALPHA_OF_ZERO_SNR = 4.8973451890853435e-08
"""What A1111 puts where the rescaled table has 0, whose sigma would be infinite."""
_LCM_TIMESTEPS = 50


class NoiseLevels:
    """A table of levels, rising, and the training timestep of each; all on the CPU, asked about with plain floats."""

    def __init__(
        self, alphas_cumprod: Tensor, *, first: int = 0, stride: int = 1, quantised: bool = False, sdxl: bool = False
    ) -> None:
        """alphas_cumprod [T], falling, of timesteps first, first + stride, ...; what is computed is of its type.

        quantised: only whole entries are ever asked for; sdxl: schedules made for SD 1 take their SDXL form.
        """
        self._alphas, self._first, self._stride = alphas_cumprod, first, stride
        sigmas = ((1 - alphas_cumprod) / alphas_cumprod).sqrt()
        self.sigmas = sigmas.float()
        """[T] float32, rising."""
        self.timesteps = first + stride * torch.arange(len(sigmas))
        """[T] int64, the training timestep of each level."""
        self.quantised, self.sdxl = quantised, sdxl
        self.lowest, self.highest = self.sigmas[0].item(), self.sigmas[-1].item()
        self._logs = sigmas.log().float()
        self._log_list: list[float] = self._logs.tolist()

    def timestep(self, sigma: float) -> float:
        """The training timestep of a level: interpolated in log sigma and held within the table, or the nearest."""
        if self.quantised:
            # In float32, as A1111 has it: it decides where a level is half way between two entries.
            nearest = (torch.tensor(sigma).log() - self._logs).abs().argmin().item()
            return float(self._first + self._stride * nearest)
        logs, log_sigma = self._log_list, math.log(sigma) if sigma > 0 else -math.inf
        below = min(max(bisect_right(logs, log_sigma) - 1, 0), len(logs) - 2)
        span = logs[below + 1] - logs[below]
        weight = min(max((log_sigma - logs[below]) / span, 0.0), 1.0) if span > 0 else 0.0
        return self._first + self._stride * (below + weight)

    def sigma(self, timestep: float) -> float:
        """The level of a timestep, whole or between two, interpolated in log sigma and held within the table."""
        return self.sigmas_at(torch.tensor([timestep])).item()

    def sigmas_at(self, timesteps: Tensor) -> Tensor:
        """[n] -> [n], as `sigma` for each, in float32 throughout."""
        places = ((timesteps - self._first) / self._stride).float().clamp(0, len(self._logs) - 1)
        low, high, weight = places.floor().long(), places.ceil().long(), places.frac()
        return ((1 - weight) * self._logs[low] + weight * self._logs[high]).exp()

    def precise(self) -> NoiseLevels:
        """The same table in float32 and unquantised: A1111's timestep samplers go by alphas, not by rounded sigmas."""
        alphas = self._alphas.float()
        return NoiseLevels(alphas, first=self._first, stride=self._stride, sdxl=self.sdxl)

    def distilled(self) -> NoiseLevels:
        """The 50 timesteps that latent consistency models (arXiv:2310.04378) were distilled on: every 20th of 1000."""
        stride = max(1, len(self._alphas) // _LCM_TIMESTEPS)
        alphas = self._alphas[stride - 1 :: stride].float()
        return NoiseLevels(alphas, first=stride - 1, stride=stride, quantised=True, sdxl=self.sdxl)


def noise_levels(
    alphas_cumprod: Tensor, options: SamplingOptions, *, zero_snr: bool = False, sdxl: bool = False
) -> NoiseLevels:
    """The levels of a checkpoint, alphas_cumprod [T] float32 on the CPU, under a request's options.

    zero_snr: it was trained on a table that ends with noise alone, which counts like the option of that name.
    """
    alphas = alphas_cumprod
    zero_snr = zero_snr or options.sd_noise_schedule == "Zero Terminal SNR"
    if options.use_downcasted_alpha_bar:
        # float16 reaches neither the rescaled table's last entry nor its sigma.
        alphas = alphas.half().float() if zero_snr else alphas.half()
    if zero_snr:
        alphas = _zero_terminal_snr(alphas)
    return NoiseLevels(alphas, quantised=options.enable_quantization, sdxl=sdxl)


def _zero_terminal_snr(alphas: Tensor) -> Tensor:
    """Algorithm 1 of Lin et al. 2023 (arXiv:2305.08891): the last step is noise alone, the first one stays."""
    roots = alphas.sqrt()
    first, last = roots[0], roots[-1]
    rescaled = ((roots - last) * (first / (first - last))) ** 2
    rescaled[-1] = _LAST_ALPHA_OF_ZERO_SNR
    return rescaled


def unit_scale(sigma: float) -> float:
    """Deviation of unit data with noise of level sigma on it, sqrt(1 + sigma^2)."""
    return math.sqrt(1 + sigma * sigma)
