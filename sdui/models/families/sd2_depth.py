"""Stable Diffusion 2 depth: its UNet sees how near each point of a picture is, as a network in the file tells."""

from __future__ import annotations

from collections.abc import Mapping

from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.weights import Weights

from .base import Source
from .sd2 import LoadedSD2, load_sd2
from .stable_diffusion import has_networks


class SD2Depth:
    name = "Stable Diffusion 2 depth"
    size = (512, 512)

    def detect(self, shapes: Mapping[str, tuple[int, ...]]) -> bool:
        keys = (f"{ldm.OPEN_CLIP}token_embedding.weight", f"{ldm.DEPTH}scratch.layer1_rn.weight")
        return all(key in shapes for key in keys) and has_networks(shapes, 5)

    def load(self, source: Source) -> LoadedSD2:
        # transformers takes seconds to import; listing the checkpoints must not wait for it.
        from sdui.models.midas import Midas

        weights = Weights(source.path)
        model = load_sd2(weights, source)
        try:
            model.depth = Midas(weights, source.device)
        except (ModelFileError, KeyError) as error:
            raise ModelFileError(f"{source.path} cannot be loaded: {error}") from error
        return model
