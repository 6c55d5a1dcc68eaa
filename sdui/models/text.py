"""CLIP's text encoder as Stable Diffusion uses it: chunks of 77 tokens, clip skip, attention weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PlacedVectors:
    """Vectors that the encoder reads instead of those of some tokens (textual inversion, arXiv:2208.01618)."""

    text: int
    chunk: int
    position: int
    """Of the first vector among the chunk's 77, the start token being 0."""
    vectors: Tensor
    """[V,D]; what would reach beyond the chunk is left out."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """How attention weights [B,N,77] act on the encoded tokens."""

    weights: Tensor
    keep_mean: bool
    """Bring the mean back to what it was before, over the same chunk of all texts."""


def encode_chunks(
    encoder: Any, tokens: Tensor, emphasis: Emphasis, layers: int, placed: Sequence[PlacedVectors] = ()
) -> Tensor:
    """transformers' CLIPTextModel over each chunk; chunks of one text end up side by side.

    tokens [B,N,77] int64 on the encoder's device -> context [B,N*77,D] float32. Only the first `layers` layers are
    used; the final norm is applied in any case.
    """
    embedded = encoder.embeddings.token_embedding(tokens)
    for one in placed:
        room = tokens.shape[2] - one.position
        embedded[one.text, one.chunk, one.position :][: len(one.vectors)] = one.vectors[:room].to(embedded)
    chunks = [
        _weighted(_hidden(encoder, embedded[:, i], layers), emphasis.weights[:, i], emphasis.keep_mean)
        for i in range(tokens.shape[1])
    ]
    return torch.cat(chunks, dim=1)


def _hidden(encoder: Any, embedded: Tensor, layers: int) -> Tensor:
    """[B,77,D] token vectors -> [B,77,D] float32."""
    hidden = encoder.embeddings(inputs_embeds=embedded)
    for layer in encoder.encoder.layers[:layers]:
        hidden = layer(hidden, None, is_causal=True)
    return encoder.final_layer_norm(hidden).float()


def _weighted(hidden: Tensor, weights: Tensor, keep_mean: bool) -> Tensor:
    scaled = hidden * weights.to(hidden.device)[..., None]
    return scaled * (hidden.mean() / scaled.mean()) if keep_mean else scaled
