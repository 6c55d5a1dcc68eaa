"""Settings of what is done to finished pictures, here and on the Extras tab; part of `settings.Preferences`."""

from __future__ import annotations

from .params import Params


class UpscalingPreferences(Params):
    """Section "Upscaling"."""


class FacePreferences(Params):
    """Section "Face restoration"."""


class ExtrasPreferences(Params):
    """Section "Postprocessing"."""
