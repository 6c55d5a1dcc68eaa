"""Textual inversion (Gal et al. 2022, arXiv:2208.01618): vectors that a text encoder reads for a name in the prompt.

Files have the vectors as `string_to_param` (textual inversion's own and A1111's .pt), as `clip_l` and `clip_g` (SDXL's
pairs), or as the only tensor under any name (`emb_params`, diffusers' concepts). Pictures may carry them, see
`picture_embeddings`; LoRA files have them under `bundle_emb`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sdui.core.errors import ModelFileError

from .picture_embeddings import PICTURES, embedding_in_picture
from .weights import Weights

_OWN = "string_to_param"
_CLIP_L, _CLIP_G = "clip_l", "clip_g"
_BUNDLED = "bundle_emb."
_SHORT = 12
"""Hex digits of the SHA-256 that A1111 shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    name: str
    vectors: tuple[Tensor, ...]
    """[V,D] float32 for each of a checkpoint's text encoders; CLIP-L's come before CLIP-G's."""
    sha256: str
    """Of its file; one from a LoRA file has that of its numbers."""
    path: Path | None = None
    """None for one from a LoRA file."""

    @property
    def length(self) -> int:
        """Tokens that it takes the place of."""
        return len(self.vectors[-1])

    @property
    def widths(self) -> tuple[int, ...]:
        """As a checkpoint's `text_widths` must be for it to be used."""
        return tuple(vectors.shape[1] for vectors in self.vectors)

    @property
    def short_hash(self) -> str:
        """As in A1111's "TI hashes"."""
        return self.sha256[:_SHORT]


def read_embedding(path: Path, sha256: str) -> Embedding | None:
    """None for a picture that carries none. sha256: of the file.

    Its name is the file's without its ending; a picture may name it otherwise. Raises ModelFileError.
    """
    if path.suffix.lower() in PICTURES:
        carried = embedding_in_picture(path)
        return carried and Embedding(carried.name or path.stem, _vectors(path, carried.tensors), sha256, path)
    weights = Weights(path)
    tensors = weights.read("", torch.device("cpu"), torch.float32)
    return Embedding(path.stem, _vectors(path, tensors), sha256, path)


def embeddings_in(tensors: Mapping[str, Tensor]) -> list[Embedding]:
    """Those among a LoRA's tensors, `bundle_emb.<name>.string_to_param.*`; of no known form they are left out."""
    bundles: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith(_BUNDLED):
            name, _, rest = key.removeprefix(_BUNDLED).partition(".")
            bundles.setdefault(name, {})[rest] = tensor.float().cpu()
    found: list[Embedding] = []
    for name, bundle in bundles.items():
        try:
            vectors = _vectors(Path(name), bundle)
        except ModelFileError:
            continue
        numbers = b"".join(part.numpy().tobytes() for part in vectors)
        found.append(Embedding(name, vectors, hashlib.sha256(numbers).hexdigest()))
    return found


def _vectors(path: Path, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    own = [tensor for name, tensor in tensors.items() if name.partition(".")[0] == _OWN]
    if not own and _CLIP_L in tensors and _CLIP_G in tensors:
        parts: Sequence[Tensor] = (tensors[_CLIP_L], tensors[_CLIP_G])
    else:
        parts = own or list(tensors.values())
        if len(parts) != 1:
            raise ModelFileError(f"{path} is no embedding: it holds {len(parts)} tensors where one has the vectors.")
    rows = tuple(part[None] if part.ndim == 1 else part for part in parts)
    if any(part.ndim != 2 or not part.numel() or not part.is_floating_point() for part in rows):
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise ModelFileError(f"{path} is no embedding: rows of numbers are needed, not {shapes}.")
    return tuple(part.float() for part in rows)
