"""CLIP's text encoder as Stable Diffusion uses it: chunks of 77 tokens, clip skip, attention weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def encode_chunks(encoder: Any, tokens: Tensor, weights: Tensor, clip_skip: int) -> Tensor:
    """transformers' CLIPTextModel over each chunk; chunks of one text end up side by side.

    tokens [B,N,77] int64, weights [B,N,77] -> context [B,N*77,D] float32. clip_skip 1 uses every layer, 2 all but
    the last; the final norm is applied in either case.
    """
    chunks = [_weighted(_last_hidden(encoder, tokens[:, i], clip_skip), weights[:, i]) for i in range(tokens.shape[1])]
    return torch.cat(chunks, dim=1)


def _last_hidden(encoder: Any, tokens: Tensor, clip_skip: int) -> Tensor:
    hidden = encoder.embeddings(input_ids=tokens)
    layers = encoder.encoder.layers
    for layer in layers[: max(1, len(layers) - (clip_skip - 1))]:
        hidden = layer(hidden, None, is_causal=True)
    return encoder.final_layer_norm(hidden).float()


def _weighted(hidden: Tensor, weights: Tensor) -> Tensor:
    """Scale each token's vector, then bring the mean back to what it was, over all texts encoded together."""
    scaled = hidden * weights.to(hidden.device)[..., None]
    return scaled * (hidden.mean() / scaled.mean())
