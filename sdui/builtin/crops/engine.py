"""Splits pictures that are too long, crops around what is looked at first, or to a size that wastes least."""

from __future__ import annotations

import math
from collections.abc import Iterator

from PIL import Image

from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.focal_point import Weights, around, focal_point, with_marks

from .params import AutoSizedCrop, FocalCrop, SplitOversized

_STEP = 64
"""Pixels between two sizes that are tried."""
_NO_TARGET = "{title}: it needs a size. Switch Upscale on and choose Scale to, there also with the upscaler None."


@hook
def process(picture: Picture, values: Group, drawing: Drawing) -> bool | None:
    match values:
        case SplitOversized():
            if picture.target is None:
                drawing.tell(_NO_TARGET.format(title=values.title))
            else:
                first, *others = split(picture.image, picture.target, values)
                picture.image = first
                for other in others:
                    picture.add(other, "")
        case FocalCrop():
            if picture.target is None:
                drawing.tell(_NO_TARGET.format(title=values.title))
            else:
                _crop_around(picture, picture.target, values)
        case AutoSizedCrop():
            size = best_size(picture.image.size, values)
            if size is None:
                drawing.tell(f"{picture.name or 'The picture'} was not cropped: no size is within the error threshold.")
            else:
                picture.image = _centre(picture.image, size)
        case _:
            return None
    return True


def split(image: Image.Image, target: tuple[int, int], values: SplitOversized) -> list[Image.Image]:
    """Pieces along the longer side; the picture alone where its shape is near enough to the target's."""
    upright = image.height > image.width
    picture = image if upright else image.transpose(Image.Transpose.TRANSPOSE)
    width, height = target if upright else target[::-1]
    ratio = (picture.width * height) / (picture.height * width)
    if ratio >= 1 or ratio > values.threshold:
        return [image]
    length = picture.height * width // picture.width
    picture = picture.resize((width, length))
    count = math.ceil((length - height * values.overlap) / (height * (1 - values.overlap)))
    tops = [int((length - height) / max(1, count - 1) * index) for index in range(count)]
    pieces = [picture.crop((0, top, width, top + height)) for top in tops]
    return pieces if upright else [piece.transpose(Image.Transpose.TRANSPOSE) for piece in pieces]


def best_size(size: tuple[int, int], values: AutoSizedCrop) -> tuple[int, int] | None:
    """Width and height in steps of 64 pixels, within the bounds and of about the picture's shape."""

    def error(wanted: tuple[int, int]) -> float:
        shape = size[0] / size[1] / (wanted[0] / wanted[1])
        return 1 - min(shape, 1 / shape)

    def sizes() -> Iterator[tuple[int, int]]:
        sides = range(values.shortest, values.longest + 1, _STEP)
        return ((width, height) for width in sides for height in sides)

    usable = [
        wanted
        for wanted in sizes()
        if values.least_area <= math.prod(wanted) <= values.most_area and error(wanted) <= values.error
    ]
    if values.objective == "Maximize area":
        return max(usable, key=lambda wanted: (math.prod(wanted), -error(wanted)), default=None)
    return max(usable, key=lambda wanted: (-error(wanted), math.prod(wanted)), default=None)


def _centre(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(image.width / size[0], image.height / size[1])
    across, down = ((whole - part * scale) / 2 for whole, part in zip(image.size, size, strict=True))
    box = (across, down, image.width - across, image.height - down)
    return image.resize(size, Image.Resampling.LANCZOS, box)


def _crop_around(picture: Picture, size: tuple[int, int], values: FocalCrop) -> None:
    weights = Weights(values.face_weight, values.entropy_weight, values.edges_weight)
    focus = focal_point(picture.image, weights)
    if values.debug:
        picture.add(with_marks(picture.image, focus), "-focal-debug")
    picture.image = around(picture.image, size, focus.point)
