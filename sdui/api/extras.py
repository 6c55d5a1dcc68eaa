"""Operations on pictures that are there already, and words for a picture. Fields and defaults are A1111's."""

from __future__ import annotations

from html import escape
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from sdui.core.a1111_body import decoded
from sdui.core.errors import ModelNotFound, RequestError
from sdui.core.extras import ExtrasRequest, Given
from sdui.core.extras import InterrogateRequest as Interrogate
from sdui.core.groups import groups_of
from sdui.core.params import explain
from sdui.jobs.job import View

from .refusals import REFUSALS, TaskFailed
from .tasks import Tasks, taken

_FIELDS = {
    "resize_mode": ("upscale", "mode"),
    "upscaling_resize": ("upscale", "scale"),
    "upscaling_resize_w": ("upscale", "width"),
    "upscaling_resize_h": ("upscale", "height"),
    "upscaling_crop": ("upscale", "crop"),
    "upscaler_1": ("upscale", "upscaler"),
    "upscaler_2": ("upscale", "second"),
    "extras_upscaler_2_visibility": ("upscale", "visibility"),
    "gfpgan_visibility": ("gfpgan", "visibility"),
    "codeformer_visibility": ("codeformer", "visibility"),
    "codeformer_weight": ("codeformer", "weight"),
}
"""Where each field of A1111's goes: operation and parameter."""


class Operations(BaseModel):
    resize_mode: Literal[0, 1] = Field(0, title="Resize Mode", description="0: by a factor, 1: to width and height.")
    show_extras_results: bool = Field(True, title="Show results", description="Without effect, as in A1111.")
    gfpgan_visibility: float = Field(0, title="GFPGAN Visibility", ge=0, le=1)
    codeformer_visibility: float = Field(0, title="CodeFormer Visibility", ge=0, le=1)
    codeformer_weight: float = Field(0, title="CodeFormer Weight", ge=0, le=1)
    upscaling_resize: float = Field(2, title="Upscaling Factor", ge=1, le=8)
    upscaling_resize_w: int = Field(512, title="Target Width", ge=1)
    upscaling_resize_h: int = Field(512, title="Target Height", ge=1)
    upscaling_crop: bool = Field(True, title="Crop to fit")
    upscaler_1: str = Field("None", title="Main upscaler")
    upscaler_2: str = Field("None", title="Secondary upscaler")
    extras_upscaler_2_visibility: float = Field(0, title="Secondary upscaler visibility", ge=0, le=1)
    upscale_first: bool = Field(
        False, title="Upscale first", description="Without effect, as in A1111: a setting decides the order."
    )


class FileData(BaseModel):
    data: str = Field(title="File data", description="Base64.")
    name: str = Field(title="File name")


class ExtrasSingleImageRequest(Operations):
    image: str = Field("", title="Image", description="Base64.")


class ExtrasBatchImagesRequest(Operations):
    image_list: list[FileData] = Field(alias="imageList", title="Images")


class ExtrasSingleImageResponse(BaseModel):
    html_info: str = Field(title="HTML info")
    image: str = Field(title="Image", description="Base64, in the format of the settings.")


class ExtrasBatchImagesResponse(BaseModel):
    html_info: str = Field(title="HTML info")
    images: list[str] = Field(title="Images", description="Base64, in the format of the settings.")


class InterrogateRequest(BaseModel):
    image: str | None = Field("", title="Image", description="Base64.")
    model: str = Field("clip", title="Model")


class InterrogateResponse(BaseModel):
    caption: str = Field(title="Caption")


def routes(tasks: Tasks, operations: type[ExtrasRequest]) -> APIRouter:
    served, extras = APIRouter(), _Extras(tasks, operations)
    served.post("/extra-single-image", responses=REFUSALS)(extras.single)
    served.post("/extra-batch-images", responses=REFUSALS)(extras.batch)
    served.post("/interrogate", responses=REFUSALS)(extras.interrogate)
    return served


class _Extras:
    def __init__(self, tasks: Tasks, operations: type[ExtrasRequest]) -> None:
        self._tasks, self._operations = tasks, operations

    async def single(self, body: ExtrasSingleImageRequest, request: Request) -> ExtrasSingleImageResponse:
        given = [Given(data=decoded(body.image, "image"))]
        view = await self._tasks.run(self._request(body, given), request)
        if not view.pictures:
            raise TaskFailed("Interrupted", "The picture was interrupted or skipped before it was finished.")
        return ExtrasSingleImageResponse(html_info=_info(view), image=_images(view)[0])

    async def batch(self, body: ExtrasBatchImagesRequest, request: Request) -> ExtrasBatchImagesResponse:
        """Pictures that cannot be read are left out; `html_info` names them and why."""
        given = [
            Given(data=decoded(file.data, f"imageList {place}"), name=file.name)
            for place, file in enumerate(body.image_list, 1)
        ]
        view = await self._tasks.run(self._request(body, given), request)
        return ExtrasBatchImagesResponse(html_info=_info(view), images=_images(view))

    async def interrogate(self, body: InterrogateRequest, request: Request) -> InterrogateResponse:
        if body.image is None:
            raise ModelNotFound("Image not found")
        here = await run_in_threadpool(self._tasks.describers)
        name = next((name for name in here if name.casefold() == body.model.casefold()), None)
        if name is None:
            raise ModelNotFound(f"model: there is no {body.model!r}; known are {', '.join(here) or 'none'}.")
        task = Interrogate(image=decoded(body.image, "image"), describer=name)
        view = await self._tasks.run(task, request)
        return InterrogateResponse(caption=view.described)

    def _request(self, body: Operations, pictures: list[Given]) -> ExtrasRequest:
        """Raises RequestError naming the field."""
        on: dict[str, dict[str, Any]] = {}
        for field, (operation, parameter) in _FIELDS.items():
            on.setdefault(operation, {})[parameter] = getattr(body, field)
        for operation in [name for name in on if name != "upscale" and not on[name]["visibility"]]:
            del on[operation]
        for operation in on.keys() - groups_of(self._operations).keys():
            raise RequestError(f"{operation}: there is no such operation here.")
        names = {f"extensions.{group}.{name}": field for field, (group, name) in _FIELDS.items()}
        try:
            values = {"pictures": pictures, "extensions": on, "kept": False}
            return self._operations.model_validate(values)
        except ValidationError as error:
            raise RequestError(explain(error, self._operations, names)) from error


def _images(view: View) -> list[str]:
    return [taken(saved.path) for saved in view.pictures]


def _info(view: View) -> str:
    """What was done to the last picture, and what was left out."""
    done = [view.pictures[-1].infotext] if view.pictures else []
    return "".join(f"<p>{escape(text)}</p>" for text in [*done, *view.notices])
