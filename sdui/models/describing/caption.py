"""Captions by BLIP (arXiv:2201.12086), and CLIP's ranking of words for a picture (arXiv:2103.00020).

Both are read from folders as transformers saves them; nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from PIL import Image
from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models.side_models import SideModels

_AT_ONCE = 256
"""Words that are encoded together."""
_UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, ImportError)


class Lengths(NamedTuple):
    """Of a caption, in tokens, and how many are tried side by side."""

    beams: int = 1
    shortest: int = 24
    longest: int = 48


@dataclass(frozen=True, slots=True)
class Captioner:
    network: Any
    processor: Any

    @torch.inference_mode()
    def caption(self, image: Image.Image, lengths: Lengths) -> str:
        given = self.processor(images=image, return_tensors="pt").to(self.network.device, self.network.dtype)
        made = self.network.generate(
            **given, num_beams=lengths.beams, min_length=lengths.shortest, max_length=lengths.longest, do_sample=False
        )
        return self.processor.decode(made[0], skip_special_tokens=True).strip()


@dataclass(frozen=True, slots=True)
class Ranker:
    network: Any
    processor: Any

    @torch.inference_mode()
    def ranked(self, image: Image.Image, words: Iterable[str]) -> list[tuple[str, float]]:
        """Words and how much they are like the picture, as shares of 1; the most alike first."""
        words = list(words)
        given = self.processor(images=image, return_tensors="pt").to(self.network.device, self.network.dtype)
        seen = _unit(self.network.get_image_features(**given))
        alike: Tensor = torch.cat(
            [self._alike(seen, words[at : at + _AT_ONCE]) for at in range(0, len(words), _AT_ONCE)], 1
        )
        shares = [float(share) for share in (alike * 100).float().softmax(-1)[0]]
        return sorted(zip(words, shares, strict=True), key=lambda pair: -pair[1])

    def _alike(self, seen: torch.Tensor, words: list[str]) -> torch.Tensor:
        told = self.processor(text=words, return_tensors="pt", padding=True, truncation=True).to(self.network.device)
        return seen @ _unit(self.network.get_text_features(**told)).T


def load_captioner(folder: Path, side: SideModels) -> Captioner:
    """Raises ModelFileError, naming the folder."""
    from transformers.models.blip.modeling_blip import BlipForConditionalGeneration
    from transformers.models.blip.processing_blip import BlipProcessor

    return Captioner(*_loaded(folder, side, BlipForConditionalGeneration, BlipProcessor))


def load_ranker(folder: Path, side: SideModels) -> Ranker:
    """Raises ModelFileError, naming the folder."""
    from transformers.models.clip.modeling_clip import CLIPModel
    from transformers.models.clip.processing_clip import CLIPProcessor

    return Ranker(*_loaded(folder, side, CLIPModel, CLIPProcessor))


def _loaded(folder: Path, side: SideModels, network: Any, processor: Any) -> tuple[Any, Any]:
    try:
        made = network.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=side.dtype)
        return made.to(side.device).eval(), processor.from_pretrained(folder, local_files_only=True)
    except _UNREADABLE as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelFileError(f"{folder} is no complete folder of this network as safetensors: {why}") from error


def _unit(features: Any) -> torch.Tensor:
    vectors: Any = getattr(features, "pooler_output", features)
    return cast("torch.Tensor", vectors / vectors.norm(dim=-1, keepdim=True))
