"""CLIP's text encoder as Stable Diffusion uses it: chunks of 77 tokens, clip skip, attention weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

END = 49407
"""CLIP's end token."""


@dataclass(frozen=True, slots=True)
class PlacedVectors:
    """Vectors that the encoder reads instead of those of some tokens (textual inversion, arXiv:2208.01618)."""

    text: int
    chunk: int
    position: int
    """Of the first vector among the chunk's 77, the start token being 0."""
    vectors: tuple[Tensor, ...]
    """[V,D] for each of the checkpoint's text encoders; what would reach beyond the chunk is left out."""


@dataclass(frozen=True, slots=True)
class Texts:
    """B texts that are encoded together, such as all that one prompt becomes over a run."""

    tokens: Tensor
    """[B,N,77] int64: N chunks a text, framed, and filled with CLIP's end token."""
    weights: Tensor
    """[B,N,77]: attention, 1 = plain."""
    clip_skip: int = 1
    """Which of the encoder's last layers is listened to: 1 is the last."""
    keep_mean: bool = True
    """Weights leave the encoding's mean as it was, over the same chunk of all texts."""
    placed: Sequence[PlacedVectors] = ()
    size: tuple[int, int] = (512, 512)
    """Width and height of the picture in pixels, of which SDXL is told."""
    negative: bool = False
    """These are what the picture must not show."""
    empty: bool = False
    """None of them has a character."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """How attention weights [B,N,77] act on the encoded tokens."""

    weights: Tensor
    keep_mean: bool
    """Bring the mean back to what it was before, over the same chunk of all texts."""


def padded_with(tokens: Tensor, padding: int) -> Tensor:
    """[B,N,77] with `padding` in the place of all that follows a chunk's first end token."""
    ends = tokens == END
    return tokens.masked_fill(ends.cumsum(-1) - ends.long() > 0, padding)


def encode_chunks(encoder: Any, texts: Texts, tokens: Tensor, layers: int, which: int = 0) -> Tensor:
    """transformers' CLIPTextModel over each chunk; chunks of one text end up side by side.

    tokens: those of `texts` [B,N,77] as this encoder wants them filled, on its device -> context [B,N*77,D] float32.
    Only the first `layers` layers are used; the final norm is applied in any case. which: of the checkpoint's text
    encoders, this one.
    """
    emphasis = Emphasis(texts.weights, texts.keep_mean)
    embedded = encoder.embeddings.token_embedding(tokens)
    for one in texts.placed:
        vectors, room = one.vectors[which], tokens.shape[2] - one.position
        embedded[one.text, one.chunk, one.position :][: len(vectors)] = vectors[:room].to(embedded)
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
