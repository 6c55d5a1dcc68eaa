"""GFPGAN (arXiv:2101.04061) and CodeFormer (arXiv:2206.11253): each face aligned, drawn anew and put back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from sdui.core.errors import ModelFileError
from sdui.models.side_models import SideModels
from sdui.models.upscaling.network import read_network

from .finding import Face, Pixels

SIDE = 512
"""Pixels of an aligned face."""
_AROUND = (135, 133, 132)
"""RGB beyond the picture's edge, as the networks were trained."""
_EDGE = 48
"""Pixels of an aligned face over which it fades into the picture."""


@dataclass(frozen=True, slots=True)
class Restorer:
    model: Any
    weighed: bool
    """CodeFormer: told how much it should keep to the picture."""
    device: torch.device

    @torch.inference_mode()
    def __call__(self, face: Pixels, weight: float) -> Pixels:
        """[512,512,3] -> the same face, restored; weight 0..1: 0 is the strongest effect."""
        given = torch.from_numpy(face.astype(np.float32)).permute(2, 0, 1)[None].to(self.device) / 127.5 - 1
        # Without noise of its own: the same picture gives the same face.
        options = {"weight": weight} if self.weighed else {"return_rgb": False, "randomize_noise": False}
        made = self.model(given, **options)
        pixels = (made[0][0].float().clamp(-1, 1) + 1) * 127.5
        return pixels.round().permute(1, 2, 0).to(torch.uint8).cpu().numpy()


def load(path: Path, side: SideModels) -> Restorer:
    """In fp32, in which alone both are sure to work. Raises ModelFileError, naming the file."""
    network = read_network(path)
    if network.purpose != "FaceSR":
        raise ModelFileError(f"{path} does not restore faces. Put GFPGANv1.4.pth or codeformer-v0.1.0.pth there.")
    weighed = network.architecture.id == "CodeFormer"
    return Restorer(network.to(side.device, torch.float32).eval().model, weighed, side.device)


def restored(
    image: Image.Image, find: Callable[[Pixels], list[Face]], restore: Callable[[Pixels], Pixels]
) -> Image.Image:
    """RGB -> RGB of the same size, equal wherever there is no face."""
    pixels = np.asarray(image)
    faces = find(pixels)
    return Image.fromarray(_with_faces(pixels, faces, restore)) if faces else image


def _with_faces(pixels: Pixels, faces: Sequence[Face], restore: Callable[[Pixels], Pixels]) -> Pixels:
    height, width = pixels.shape[:2]
    canvas = pixels.astype(np.float32)
    inner = np.zeros((SIDE, SIDE), np.float32)
    inner[_EDGE:-_EDGE, _EDGE:-_EDGE] = 1
    fade = cv2.GaussianBlur(inner, (0, 0), _EDGE / 3)
    for face in faces:
        matrix = face.alignment()
        aligned = cv2.warpAffine(pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderValue=_AROUND)
        back = cv2.invertAffineTransform(matrix)
        made = cv2.warpAffine(restore(np.asarray(aligned, np.uint8)).astype(np.float32), back, (width, height))
        share = cv2.warpAffine(fade, back, (width, height))[..., None]
        canvas = canvas * (1 - share) + made * share
    return np.rint(canvas).clip(0, 255).astype(np.uint8)
