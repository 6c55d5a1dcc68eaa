"""CLIP's text encoder as Stable Diffusion uses it: chunks of 77 tokens, clip skip, attention weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from sdui.core.text_options import SdxlOptions

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
    sdxl: SdxlOptions = field(default_factory=SdxlOptions)


def padded_with(tokens: Tensor, padding: int) -> Tensor:
    """[B,N,77] with `padding` in the place of all that follows a chunk's first end token."""
    ends = tokens == END
    return tokens.masked_fill(ends.cumsum(-1) - ends.long() > 0, padding)


def encode_chunks(encoder: Any, texts: Texts, tokens: Tensor, layers: int) -> Tensor:
    """What the first `layers` layers make of the texts, with the final norm -> context [B,N*77,D] float32.

    See `chunk_states` and `context`.
    """
    states = chunk_states(encoder, texts, tokens, layers)
    return context(texts, [encoder.final_layer_norm(hidden) for hidden in states])


def chunk_states(encoder: Any, texts: Texts, tokens: Tensor, layers: int, which: int = 0) -> list[Tensor]:
    """transformers' CLIPTextModel over each of the N chunks: [B,77,D] after the first `layers` layers, without norm.

    tokens: those of `texts` [B,N,77] as this encoder wants them filled, on its device. which: of the checkpoint's text
    encoders, this one.
    """
    embedded = encoder.embeddings.token_embedding(tokens)
    for one in texts.placed:
        vectors, room = one.vectors[which], tokens.shape[2] - one.position
        embedded[one.text, one.chunk, one.position :][: len(vectors)] = vectors[:room].to(embedded)
    starts = [encoder.embeddings(inputs_embeds=embedded[:, i]) for i in range(tokens.shape[1])]
    return [_through(encoder.encoder.layers[:layers], start) for start in starts]


def context(texts: Texts, states: Sequence[Tensor]) -> Tensor:
    """Chunks of one encoder, [B,77,D] each, under the attention weights and side by side -> [B,N*77,D] float32."""
    hidden = [state.float() for state in states]
    # Weights of 1 change nothing, and a mean of 0 could not be kept.
    if (texts.weights != 1).any():
        weights = texts.weights.to(states[0].device)
        hidden = [_weighted(one, weights[:, i], texts.keep_mean) for i, one in enumerate(hidden)]
    return torch.cat(hidden, dim=1)


def pooled(encoder: Any, hidden: Tensor, layers: int, tokens: Tensor, projection: Tensor) -> Tensor:
    """A chunk as a whole, as OpenCLIP has it: the first end token's state in the space shared with pictures.

    hidden [B,77,D] after the first `layers` layers, tokens [B,77], projection [D,P] -> [B,P] float32.
    """
    last = encoder.final_layer_norm(_through(encoder.encoder.layers[layers:], hidden))
    ends = (tokens == END).int().argmax(dim=-1)
    return (last[torch.arange(len(last), device=last.device), ends] @ projection).float()


def _through(layers: Iterable[Any], hidden: Tensor) -> Tensor:
    for layer in layers:
        hidden = layer(hidden, None, is_causal=True)
    return hidden


def _weighted(hidden: Tensor, weights: Tensor, keep_mean: bool) -> Tensor:
    scaled = hidden * weights[..., None]
    return scaled * (hidden.mean() / scaled.mean()) if keep_mean else scaled
