"""Stable Diffusion 1.x, its inpainting variant and InstructPix2Pix: OpenAI's CLIP and a UNet that predicts noise."""

from __future__ import annotations

from collections.abc import Mapping

from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.weights import Weights

from .base import Source
from .stable_diffusion import LoadedStableDiffusion, has_networks

_TOKENS = f"{ldm.TEXT}text_model.embeddings.token_embedding.weight"


class SD15:
    name = "Stable Diffusion 1.x"
    size = (512, 512)

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        return _TOKENS in shapes and has_networks(shapes, 4, 8, 9)

    def load(self, source: Source) -> LoadedStableDiffusion:
        # diffusers and transformers take seconds to import; listing the checkpoints must not wait for them.
        from sdui.models import networks

        weights = Weights(source.path)
        facts = ldm.Facts().honouring(source.config).marked(weights.shapes)
        try:
            return LoadedStableDiffusion(
                unet=networks.build_unet(weights, facts, source.device, source.dtype),
                vae=networks.build_vae(weights, source.device, source.vae_dtype),
                text_encoders=(networks.build_clip(weights, source.device, source.dtype),),
                facts=facts,
                taesd=source.taesd,
            )
        except (ModelFileError, KeyError) as error:
            raise ModelFileError(f"{source.path} cannot be loaded: {error}") from error
