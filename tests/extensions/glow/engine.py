"""Adds the picture's blurred light to it."""

import numpy as np
from PIL import Image, ImageFilter

from sdui.core.groups import values_of
from sdui.extensions.hooks import hook

from .params import Glow


@hook
def after_decode(run, pixels):
    values = values_of(run.request, Glow)
    if values is None:
        return None
    light = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(values.radius)), np.float32)
    return np.clip(pixels + values.strength * light, 0, 255).astype(np.uint8)
