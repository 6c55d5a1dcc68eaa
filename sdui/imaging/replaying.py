"""Drawing a picture again from its own file: what is to be drawn, and whether it came out the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import UnidentifiedImageError

from sdui.core import infotext
from sdui.core.errors import RequestError
from sdui.core.replay import Difference, Record, differences, whole_batch
from sdui.core.request import GenerationRequest

from .file_formats import Contents, read, read_infotext
from .fingerprints import of_picture, of_pixels


class Source(NamedTuple):
    """A file that a picture was started from."""

    name: str
    """What the user is told to give: the name of a field or an option."""
    data: bytes = b""


class Sources(NamedTuple):
    init: Source
    mask: Source


class Replay(NamedTuple):
    there: Contents
    """What is in the file."""
    request: GenerationRequest
    """The whole batch in which the picture was drawn."""

    @property
    def record(self) -> Record:
        """Without one the picture is taken to have been drawn alone."""
        return self.there.record or Record()

    @property
    def position(self) -> int:
        """In the batch, from 0."""
        return self.record.position


class Off(NamedTuple):
    """How far two pictures of one size are from each other."""

    pixels: int
    """That are not the same."""
    of: int
    largest: int
    """Difference of a channel, 0 to 255."""

    def __str__(self) -> str:
        return f"{self.pixels} of {self.of} pixels, by up to {self.largest} of 255"


class Comparison(NamedTuple):
    equal: bool
    text: str
    """For people."""
    differences: tuple[Difference, ...] | None
    """Recorded conditions that are others here; None where none were recorded."""
    off: Off | None
    """Between the file's pixels and those that were drawn; None where the sizes differ."""


def prepared(data: bytes, sources: Sources, model: type[GenerationRequest] = GenerationRequest) -> Replay:
    """What a picture's file asks for. Raises RequestError where the file or one that it was started from is missing."""
    there = read(data)
    text = there.infotext or read_infotext(data)
    if not text:
        raise RequestError("there is no infotext in this file, so nothing to draw it from.")
    request = infotext.read(text, model)
    if there.record:
        request = whole_batch(request, there.record)
    return Replay(there, _started(request, there.record or Record(), sources))


def compared(replay: Replay, pixels: NDArray[np.uint8], here: Record) -> Comparison:
    """`pixels`, [height, width, 3], as they were drawn now under the conditions `here`."""
    there = replay.there
    off = _off(there.pixels, pixels)
    if there.record is None:
        return _compared_without_record(there, off)
    others = differences(there.record, here)
    if there.exact and of_pixels(there.pixels) != there.record.pixels:
        return Comparison(False, "differs: its pixels were changed after it was drawn", others, off)
    if of_pixels(pixels) == there.record.pixels:
        return Comparison(True, "equal", others, off)
    if others:
        return Comparison(False, f"differs: {others[0]}", others, off)
    return Comparison(False, f"differs under equal conditions: {off}" if off else _OTHER_SIZE, (), off)


_OTHER_SIZE = "differs in size under equal conditions"


def _compared_without_record(there: Contents, off: Off | None) -> Comparison:
    if off and off.pixels == 0:
        return Comparison(True, "equal", None, off)
    unknown = "the file has no replay record, so under which conditions it was drawn is not known"
    if off and not there.exact:
        return Comparison(False, f"cannot be told: its format changes pixels, and {unknown}", None, off)
    return Comparison(False, f"differs: {unknown}", None, off)


def _started(request: GenerationRequest, record: Record, sources: Sources) -> GenerationRequest:
    """With the pictures that it starts from."""
    if request.init is None:
        return request
    _require(sources.init, "picture", record.init_image)
    init = request.init.model_copy(update={"image": sources.init.data})
    if init.inpaint:
        _require(sources.mask, "mask", record.mask)
        init = init.model_copy(update={"inpaint": init.inpaint.model_copy(update={"mask": sources.mask.data})})
    return request.model_copy(update={"init": init})


def _require(source: Source, what: str, wanted: str) -> None:
    if not source.data:
        raise RequestError(
            f"{source.name}: the {what} that it was started from is not in the file and has to be given as well."
        )
    try:
        found = of_picture(source.data)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise RequestError(f"{source.name}: this is no picture that can be read.") from error
    if wanted and found != wanted:
        raise RequestError(f"{source.name}: this is another {what} than the one that it was started from.")


def _off(there: NDArray[np.uint8], here: NDArray[np.uint8]) -> Off | None:
    if there.shape != here.shape:
        return None
    far = np.abs(there.astype(np.int16) - here).max(axis=-1)
    return Off(int((far > 0).sum()), far.size, int(far.max()))
