"""Every point where an extension can act, in the order in which they are called. This file is the extension API.

An extension implements those that it needs, as functions with `@hook`, and takes those of the arguments that it needs,
by name. It is a folder with up to three modules: `params.py`, which the page reads as well and which therefore imports
no torch, has `parameters`; `page.py`, which only the page reads, has `tabs`; `engine.py`, which only workers read, has
the others.

`drawing` is a `contracts.Drawing`, `run` an `engine.run.Run`: one batch's state, whose fields say when they are set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from sdui.core.events import GeneratedImage
from sdui.core.extras import Picture
from sdui.core.groups import Group
from sdui.core.request import GenerationRequest

from .contracts import Ask, Describer, Drawing, FaceRestorer, Pixels, Tab, Texts, Upscaler

if TYPE_CHECKING:
    from torch import Tensor

NAME = "sdui"
hookspec, hook = pluggy.HookspecMarker(NAME), pluggy.HookimplMarker(NAME)


# When the server and the workers start


@hookspec
def parameters() -> Sequence[type[Group]]:
    """The groups of parameters that requests have from now on, with their controls, keys and API fields."""
    ...


@hookspec
def tabs() -> Sequence[Tab]:
    """Tabs that the page has from now on."""
    ...


@hookspec
def upscalers(models: Any) -> Sequence[Upscaler]:
    """What enlarges pictures. models: the worker's `models.store.ModelStore`. Asked whenever the list is shown."""
    ...


@hookspec
def face_restorers(models: Any) -> Sequence[FaceRestorer]:
    """What restores faces; those whose files are missing as well, which say so."""
    ...


@hookspec
def describers(models: Any) -> Sequence[Describer]:
    """What says in words what a picture shows."""
    ...


# For each job


@hookspec
def change_request(request: GenerationRequest, drawing: Drawing) -> GenerationRequest | None:
    """A changed copy, before anything is resolved. Each extension gets what the one before it returned."""
    ...


@hookspec(firstresult=True)
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    """Do the whole job, such as a plot of many pictures, with `drawing`; True says that it was done."""
    ...


@hookspec(firstresult=True)
def texts(
    request: GenerationRequest,
    seeds: Sequence[int],
    subseeds: Sequence[int],
    data: Path,
    tell: Callable[[str], None],
) -> Sequence[Texts] | None:
    """Prompts of its own for each picture of the request, which has seeds and its styles' words by now.

    data: the folder that holds the user's files; tell: says a sentence to the user.
    """
    ...


# For each batch


@hookspec
def patch_model(run: Any, model: Any) -> AbstractContextManager[Any] | None:
    """Change the networks for a pass of the sampler; the context's end must undo it, and comes whatever happens.

    model: a `families.base.LoadedModel`; asked once for each checkpoint of a pass.
    """
    ...


@hookspec
def first_noise(run: Any, plan: Any, tools: Any, noise: Tensor) -> Tensor | None:
    """Other noise [B,C,h,w] of deviation 1 for a pass to begin with. plan: `engine.passes.Pass`, tools: its `Tools`."""
    ...


@hookspec
def around_model(run: Any, ask: Ask) -> Ask | None:
    """What is asked in place of the network at every look. Each extension gets what the one before it returned."""
    ...


@hookspec
def after_step(run: Any, step: Any) -> None:
    """See a sampling step, `sampling.samplers.Step`; may change `step.x` in place."""


@hookspec
def before_decode(run: Any, latents: Tensor) -> Tensor | None:
    """Other latents [B,C,h,w] to decode."""
    ...


@hookspec
def after_decode(run: Any, position: int, pixels: Pixels) -> Pixels | None:
    """Another picture [H,W,3], u8, of the size drawn, before an inpainted one is put back into its original."""
    ...


@hookspec
def infotext(run: Any, position: int) -> dict[str, Any] | None:
    """Further keys and values for the picture's text."""
    ...


# For each picture


@hookspec
def after_image(image: GeneratedImage, drawing: Drawing) -> GeneratedImage | None:
    """Another finished picture; the networks are as they were, so it may draw."""
    ...


# For each picture on the Extras tab


@hookspec(firstresult=True)
def process(picture: Picture, values: Group, drawing: Drawing) -> bool | None:
    """Do an operation of one's own group `values` on `picture`, in place; True says that it was done."""
    ...
