"""A VAE's encoder and decoder in little memory: layer after layer, each a few rows at a time.

Convolutions see the rows beyond their strip, and group norms take mean and variance from the whole picture, so this
computes what the networks do at once, up to rounding: there are no seams. Where a network would hold five copies of its
largest layer, this holds one and a half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad, silu

_PIXELS = 2**15
"""Of a strip. Smaller ones save no more memory worth having, and each sees two rows more than it makes."""

Activation = Callable[[Tensor], Tensor]


def decode(vae: Any, latents: Tensor) -> Tensor:
    """As diffusers' AutoencoderKL decodes: [1,C,h,w] -> [1,3,H,W]."""
    decoder = vae.decoder
    x = decoder.mid_block(decoder.conv_in(vae.post_quant_conv(latents)))
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            x = _residual(resnet, x)
        for upsampler in block.upsamplers or ():
            x = _doubled(upsampler.conv, x)
    return _convolved(decoder.conv_out, x, _normed(decoder.conv_norm_out, x))


def encode(vae: Any, pixels: Tensor) -> Tensor:
    """As diffusers' AutoencoderKL encodes: [1,3,H,W] -> mean and logarithm of the variance, [1,2*C,h,w]."""
    encoder = vae.encoder
    x = _convolved(encoder.conv_in, pixels)
    for block in encoder.down_blocks:
        for resnet in block.resnets:
            x = _residual(resnet, x)
        for downsampler in block.downsamplers or ():
            x = _halved(downsampler.conv, x)
    x = encoder.mid_block(x)
    return vae.quant_conv(_convolved(encoder.conv_out, x, _normed(encoder.conv_norm_out, x)))


def _residual(block: Any, x: Tensor) -> Tensor:
    """x + conv(conv(x)), each convolution of what is normed and activated. Writes over x."""
    inner = _convolved(block.conv1, x, _normed(block.norm1, x))
    if block.conv_shortcut is not None:
        x = _mixed(block.conv_shortcut, x)
    activation = _normed(block.norm2, inner)
    for first, last in _strips(x):
        x[:, :, first:last] += _rows_of(block.conv2, inner, first, last, activation)
    return x


def _mixed(conv: Any, x: Tensor) -> Tensor:
    """A convolution of 1x1; what fits there is written over x, whose other channels are then no longer used."""
    mixed = x[:, : conv.out_channels] if conv.out_channels <= conv.in_channels else _empty(conv, x, *x.shape[2:])
    for first, last in _strips(x):
        mixed[:, :, first:last] = conv(x[:, :, first:last])
    return mixed


def _convolved(conv: Any, x: Tensor, activation: Activation | None = None) -> Tensor:
    """A convolution of 3x3 that keeps the size."""
    made = _empty(conv, x, *x.shape[2:])
    for first, last in _strips(x):
        made[:, :, first:last] = _rows_of(conv, x, first, last, activation)
    return made


def _doubled(conv: Any, x: Tensor) -> Tensor:
    """Each cell becomes four, then the convolution."""
    height, width = 2 * x.shape[2], 2 * x.shape[3]
    made = _empty(conv, x, height, width)
    for first, last in _strips(made):
        # Rows 2n and 2n + 1 are row n twice; one more above and below for the convolution.
        seen = _around(x, first // 2 - 1, (last + 1) // 2 + 1, _wraps(conv))
        twice = seen.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        skipped = 1 + first % 2
        made[:, :, first:last] = _valid(conv, twice[:, :, skipped : skipped + last - first + 2])
    return made


def _halved(conv: Any, x: Tensor) -> Tensor:
    """A convolution of every second cell, which sees nothing beyond the right and lower edge."""
    made = _empty(conv, x, x.shape[2] // 2, x.shape[3] // 2)
    for first, last in _strips(made):
        seen = pad(_around(x, 2 * first, 2 * last + 1, wraps=False), (0, 1, 0, 0))
        made[:, :, first:last] = conv2d(seen, conv.weight, conv.bias, stride=2)
    return made


def _rows_of(conv: Any, x: Tensor, first: int, last: int, activation: Activation | None) -> Tensor:
    """Rows first..last of a convolution of 3x3 over what is activated."""
    above, below = max(first - 1, 0), min(last + 1, x.shape[2])
    if _wraps(conv):
        seen = _around(x, first - 1, last + 1, wraps=True)
        return _valid(conv, activation(seen) if activation else seen)
    seen = x[:, :, above:below]
    seen = activation(seen) if activation else seen
    return _valid(conv, pad(seen, (0, 0, above - (first - 1), last + 1 - below)))


def _valid(conv: Any, x: Tensor) -> Tensor:
    """A convolution that makes one row less at each end."""
    return conv2d(pad(x, (1, 1, 0, 0), mode="circular" if _wraps(conv) else "constant"), conv.weight, conv.bias)


def _around(x: Tensor, first: int, last: int, wraps: bool) -> Tensor:
    """Rows first..last, some beyond the edges: of the other edge, or zeros."""
    height = x.shape[2]
    if wraps:
        return x[:, :, torch.arange(first, last, device=x.device) % height]
    above, below = max(0, -first), max(0, last - height)
    return pad(x[:, :, max(0, first) : min(last, height)], (0, 0, above, below))


def _wraps(conv: Any) -> bool:
    return conv.padding_mode == "circular"


def _normed(norm: Any, x: Tensor) -> Activation:
    """The group norm over all of x, and SiLU; it may be asked about any rows."""
    parts: list[Tensor] = []
    shares: list[float] = []
    for first, last in _strips(x):
        groups = x[:, :, first:last].reshape(norm.num_groups, -1).float()
        parts.append(torch.stack(torch.var_mean(groups, dim=1, correction=0)))
        shares.append((last - first) / x.shape[2])
    variances, means = torch.stack(parts).double().unbind(1)
    share = torch.tensor(shares, dtype=torch.float64, device=x.device)[:, None]
    mean = (share * means).sum(0)
    variance = (share * (variances + (means - mean) ** 2)).sum(0)
    per_group = norm.num_channels // norm.num_groups
    scale = norm.weight * torch.rsqrt(variance + norm.eps).repeat_interleave(per_group)
    shift = norm.bias - mean.repeat_interleave(per_group) * scale
    scale, shift = (values.float()[:, None, None] for values in (scale, shift))
    return lambda rows: silu(torch.addcmul(shift, rows.float(), scale).to(x.dtype))


def _empty(conv: Any, x: Tensor, height: int, width: int) -> Tensor:
    return x.new_empty(x.shape[0], conv.out_channels, height, width)


def _strips(x: Tensor) -> Iterator[tuple[int, int]]:
    """First row and the one after the last, from above."""
    height, width = x.shape[2:]
    rows = max(1, _PIXELS // width)
    return ((first, min(first + rows, height)) for first in range(0, height, rows))
