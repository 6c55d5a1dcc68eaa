"""What extensions are handed, and what they hand over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sdui.core.catalog import Catalog
from sdui.core.events import Emit, GeneratedImage, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

    Pixels = NDArray[np.uint8]
else:
    Pixels = Any


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the page."""

    id: str
    """A name in lower case; `tab_<id>` is the element's id."""
    title: str
    build: Callable[[Any], None]
    """Makes Gradio's components inside of the tab. Handed `sdui.services.Services`."""


class Ask(Protocol):
    """The network under one checkpoint: `families.base.LoadedModel.denoise`."""

    def __call__(
        self, x: Tensor, sigma: float, timestep: float, conditioning: Any, *, as_noise: bool = False
    ) -> Tensor: ...


class Texts(NamedTuple):
    """One picture's prompts."""

    prompt: str
    negative_prompt: str


@dataclass(frozen=True, slots=True)
class Context:
    """What long work on one picture needs of its job."""

    preferences: Preferences
    emit: Emit
    stop: StopToken


class Upscaler(Protocol):
    @property
    def name(self) -> str: ...

    def upscale(self, image: Image.Image, scale: float, context: Context) -> Image.Image:
        """RGB -> RGB, larger by its own factor, if possible one near `scale`; what is missing or too much is resampled.

        Raises Interrupted, RequestError, ModelFileError.
        """
        ...


class FaceRestorer(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def problem(self) -> str:
        """Which file to put where; "" when it can work."""
        ...

    def restore(self, image: Image.Image, weight: float, context: Context) -> Image.Image:
        """RGB -> RGB of the same size. weight 0..1: 0 is the strongest effect; CodeFormer's only."""
        ...


class Describer(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def problem(self) -> str:
        """Which file to put where; "" when it can work."""
        ...

    def describe(self, image: Image.Image, context: Context) -> str:
        """RGB -> a caption or tags."""
        ...


class Drawing(Protocol):
    """A job at work, for extensions that draw themselves."""

    @property
    def context(self) -> Context: ...

    @property
    def groups(self) -> type[GenerationRequest]:
        """The class of requests with the parameters of all extensions."""
        ...

    @property
    def models(self) -> Any:
        """The worker's `models.store.ModelStore`."""
        ...

    @property
    def cache(self) -> Path:
        """A folder for files that may be lost."""
        ...

    def catalog(self) -> Catalog:
        """The names that a request may use."""
        ...

    def plan(self, draws: int) -> None:
        """How many times `draw` will be called, for the progress bar."""
        ...

    def draw(
        self, request: GenerationRequest, on_image: Callable[[GeneratedImage], None] | None = None
    ) -> list[GeneratedImage]:
        """Every picture of the request, scripts left out; `on_image` gets each as soon as it is there.

        Nothing is saved or shown but by `show`. Raises Interrupted when the job is to end, and what the request's
        failure is. Drawings that make one picture together belong into `context.stop.whole()`: a job that is to end
        after the present picture then finishes it.
        """
        ...

    def show(self, image: GeneratedImage) -> None:
        """Save it and let the page have it."""
        ...

    def tell(self, text: str) -> None:
        """A sentence for the user."""
        ...

    def upscaled(self, image: Image.Image, scale: float, upscaler: str) -> Image.Image:
        """RGB at `scale` times its size, sides rounded down to multiples of 8 as A1111's are.

        Raises RequestError for an unknown upscaler.
        """
        ...

    def upscaler_names(self) -> Sequence[str]: ...

    def restored(self, image: Image.Image, restorer: str, weight: float) -> Image.Image:
        """With its faces restored. Raises RequestError for an unknown restorer or one without its files."""
        ...

    def described(self, image: Image.Image, describer: str) -> str:
        """Raises RequestError for an unknown describer or one without its files."""
        ...
