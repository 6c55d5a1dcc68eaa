"""The refiner of Stable Diffusion XL (arXiv:2307.01952): OpenCLIP alone, and it is told how beautiful a picture is."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from sdui.core.errors import ModelFileError
from sdui.models.text import Texts
from sdui.models.weights import Weights

from .base import Source
from .sdxl import FACTS, LoadedSDXL, projection, waves
from .stable_diffusion import has_networks

_OPEN_CLIP = "conditioner.embedders.0.model."


class SDXLRefiner:
    name = "Stable Diffusion XL refiner"
    size = (1024, 1024)

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return f"{_OPEN_CLIP}ln_final.weight" in shapes and has_networks(shapes, 4, vector=True)

    def load(self, source: Source) -> LoadedSDXLRefiner:
        # diffusers and transformers take seconds to import; listing the checkpoints must not wait for them.
        from sdui.models import networks

        weights = Weights(source.path)
        facts = FACTS.honouring(source.config).marked(weights.shapes)
        try:
            return LoadedSDXLRefiner(
                unet=networks.build_unet(weights, facts, source.device, source.dtype),
                vae=networks.build_vae(weights, source.device, source.vae_dtype),
                text_encoders=(networks.build_open_clip(weights, source.device, source.dtype, _OPEN_CLIP),),
                projection=projection(weights, _OPEN_CLIP, source),
                facts=facts,
                taesd=source.taesd,
            )
        except (ModelFileError, KeyError) as error:
            raise ModelFileError(f"{source.path} cannot be loaded: {error}") from error


class LoadedSDXLRefiner(LoadedSDXL):
    def _more_context(self, texts: Texts, tokens: Tensor) -> list[Tensor]:
        return []

    def _numbers(self, texts: Texts) -> Tensor:
        """The picture's size and what was cut off of it, each downwards and across, and its score: [1,5*256]."""
        options = texts.sdxl
        score = options.low_aesthetic_score if texts.negative else options.high_aesthetic_score
        return waves([texts.size[1], texts.size[0], options.crop_top, options.crop_left, score]).to(self.device)
