"""What a running task reports, and how it is asked to stop."""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .errors import Interrupted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .extras import Picture
    from .request import GenerationRequest

Kind = Literal["image", "grid", "interrupted", "mask"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture in a grid: where it is, in pixels, and its own text."""

    left: int
    top: int
    width: int
    height: int
    infotext: str

    def holds(self, x: float, y: float) -> bool:
        """Whether this pixel of the grid is in it."""
        return self.left <= x < self.left + self.width and self.top <= y < self.top + self.height


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """One finished picture and the request that alone reproduces it."""

    pixels: NDArray[np.uint8]
    """[height, width, 3], RGB; a cut-out of the kind "mask" has alpha as a fourth channel."""
    request: GenerationRequest
    """Concrete: one image, real seed, the checkpoint's name and hash."""
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    """Infotext keys that are no parameters, such as Version."""
    kind: Kind = "image"
    conditions: dict[str, Any] = field(default_factory=dict[str, Any])
    """What else moved pixels, under the names of replay.Record's fields."""
    cells: tuple[Cell, ...] = ()
    """Of a grid whose pictures can be told apart."""
    shown: bool = True
    """On the page and in API answers; saved in any case."""
    kept: bool = True
    """Saved in the outputs folder, as far as the settings have it; False for what is there already."""
    basename: str = ""
    """What a grid's file name begins with; "" is "grid"."""
    folder: str = ""
    """Where it is saved under `name`; "" is the folder of the settings, under a name of their pattern."""
    name: str = ""
    """Without ending."""


@dataclass(frozen=True, slots=True)
class Started:
    worker: str


@dataclass(frozen=True, slots=True)
class Progress:
    stage: str
    """What is being done now, for people: "Loading sdui-demo", "Sampling", "Decoding"."""
    step: int = 0
    steps: int = 0
    """Sampling steps of the running batch; 0 while nothing is sampled."""
    done: float = 0.0
    """Share of the whole job, 0..1."""
    eta: float | None = None
    """Seconds until the whole job is done; None while unknown."""


@dataclass(frozen=True, slots=True)
class Preview:
    jpeg: bytes
    """The batch as it looks at this step, side by side."""


@dataclass(frozen=True, slots=True)
class ImageReady:
    """From the worker; the queue saves the picture and publishes `ImageSaved` in its place."""

    image: GeneratedImage


@dataclass(frozen=True, slots=True)
class ImageSaved:
    path: str
    """Where the file is: the outputs folder, or a temporary one when it was not to be kept."""
    infotext: str
    request: GenerationRequest
    kind: Kind
    cells: tuple[Cell, ...] = ()
    shown: bool = True


@dataclass(frozen=True, slots=True)
class PictureReady:
    """From the Extras tab's work; the queue saves it and publishes `PictureSaved` in its place."""

    picture: Picture
    folder: str = ""
    """Where to; "" is the folder of the settings."""
    shown: bool = True
    kept: bool = True
    """False: only in the temporary folder, for whoever asked for it."""


@dataclass(frozen=True, slots=True)
class PictureSaved:
    path: str
    infotext: str
    """What was done, as pairs of an infotext."""
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Described:
    """What a picture shows, in words; for an InterrogateRequest."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelSaved:
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know although the job goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    pass


@dataclass(frozen=True, slots=True)
class Stopped:
    pass


@dataclass(frozen=True, slots=True)
class Failed:
    error: str
    kind: str = field(default="", compare=False)
    """The error's class, as `core.errors` has them."""


Made = ImageReady | ImageSaved | PictureReady | PictureSaved | ModelSaved | Described
Event = Started | Progress | Preview | Made | Notice | Finished | Stopped | Failed
Emit = Callable[[Event], None]
Last = Finished | Stopped | Failed


class Stop(enum.IntEnum):
    NO = 0
    AFTER = 1
    """End the job as soon as the batch that is being drawn is finished."""
    SKIP = 2
    """Give up this batch, go on with the next."""
    NOW = 3
    """Give up the whole job, within one step."""


class StopToken:
    """Written by anyone, read by the engine once per step."""

    def __init__(self) -> None:
        self.level = Stop.NO
        self._inside = 0
        """How many pictures that are made of several drawings are being made, one within the other."""

    def request(self, level: Stop) -> None:
        """Give up this batch, and the job is to end after it: that is to end now."""
        both = {level, self.level} == {Stop.AFTER, Stop.SKIP}
        self.level = Stop.NOW if both else max(self.level, level)

    @contextmanager
    def whole(self) -> Generator[None]:
        """What is drawn in here is one picture: a job that is to end after it goes on until it is finished."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def check(self) -> None:
        """Raises Interrupted when the whole job is to end."""
        if self.level == Stop.NOW:
            raise Interrupted

    def next_batch(self) -> None:
        """Between two batches. A skip is used up by the batch that it skipped.

        Raises Interrupted when the job is to end here.
        """
        if self.level == Stop.SKIP:
            self.level = Stop.NO
        if self.level == Stop.NOW or (self.level == Stop.AFTER and not self._inside):
            raise Interrupted
