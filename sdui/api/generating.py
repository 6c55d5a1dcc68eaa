"""txt2img and img2img: A1111's bodies and answers."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from sdui.core import standing
from sdui.core.a1111_body import request_from
from sdui.core.errors import PictureNotFound, RequestError
from sdui.core.groups import Kind
from sdui.core.params import explain
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.job import Job, View
from sdui.services import Services

from . import generation_info
from .bodies import Body, ImageToImageResponse, TextToImageResponse, body_of
from .fetched_pictures import fetched, is_address
from .refusals import REFUSALS, repaired
from .tasks import Tasks, client_of, taken

_OUTPUT = ("do_not_save_samples", "do_not_save_grid", "send_images", "save_images", "include_init_images")
_HANDLED = ("override_settings_restore_afterwards", "force_task_id", "comments", *_OUTPUT)
"""Fields that say something of the answer or of the job, not of the picture."""
_MOST_NAMED, _LONGEST_NAME = 50, 100
_FAMILIAR = frozenset(
    ("comments", "extra options", "hypertile", "refiner", "sampler", "seed", "soft inpainting", "dynamic thresholding")
)
"""Always on in A1111; here they are parameters, and what clients send of them is passed over."""


def routes(tasks: Tasks, services: Services) -> APIRouter:
    served, drawing = APIRouter(), _Drawing(tasks, services)

    async def txt2img(body: Body, request: Request) -> TextToImageResponse:
        return TextToImageResponse(**await drawing.drawn(body, "txt2img", request))

    async def img2img(body: Body, request: Request) -> ImageToImageResponse:
        return ImageToImageResponse(**await drawing.drawn(body, "img2img", request))

    # The bodies' classes are made from the declarations, when the server starts.
    txt2img.__annotations__["body"] = body_of("txt2img")
    img2img.__annotations__["body"] = body_of("img2img")
    served.post("/txt2img", responses=REFUSALS)(txt2img)
    served.post("/img2img", responses=REFUSALS)(img2img)
    return served


class _Drawing:
    def __init__(self, tasks: Tasks, services: Services) -> None:
        self._tasks, self._services = tasks, services

    async def drawn(self, body: Body, kind: Kind, request: Request) -> dict[str, Any]:
        said = body.model_dump(exclude_unset=True)
        if kind == "img2img":
            await self._fetch(said)
        job, warnings = await run_in_threadpool(self._job, body, said, kind, client_of(request))
        view = await self._tasks.end_of(self._services.jobs.add(job))
        return await run_in_threadpool(_answer, body, job, view, warnings)

    async def _fetch(self, said: dict[str, Any]) -> None:
        """Put the pictures in the place of their addresses. Raises RequestError."""
        preferences = self._services.settings.current
        images: list[str] = list(said.get("init_images") or ())
        if images and is_address(images[0]):
            images[0] = _encoded(await fetched(images[0], "init_images", preferences))
            said["init_images"] = images
        if is_address(said.get("mask") or ""):
            said["mask"] = _encoded(await fetched(said["mask"], "mask", preferences))

    def _job(self, body: Body, said: dict[str, Any], kind: Kind, client: str) -> tuple[Job, list[str]]:
        """What the body asks for, and what of it means nothing here. Raises RequestError naming the field."""
        overridden = body.override_settings or {}
        if kind == "img2img" and not said.get("init_images"):
            raise PictureNotFound("Init image not found: init_images needs a picture, as base64.")
        preferences, held = self._preferences(body, overridden)
        asked = {name: value for name, value in said.items() if name not in _HANDLED}
        request, unused, paths = request_from(asked, kind, model=self._services.requests)
        request = standing.applied(request, preferences, paths)
        if "model" not in paths:
            request = request.model_copy(update={"model": preferences.sd_model_checkpoint})
        ignored = [name for name in unused if name not in held and name.casefold() not in _FAMILIAR]
        scripts = [name for name in ignored if name in (body.alwayson_scripts or {})]
        if scripts:
            raise RequestError(f"alwayson_scripts: there is no script {scripts[0]!r} here.")
        warnings = [
            f"{name[:100]}: there is no such parameter or setting here; it was ignored." for name in ignored[:50]
        ]
        if len(said.get("init_images") or ()) > 1:
            warnings.append(f"init_images: the first of {len(said['init_images'])} pictures was used.")
        job = Job(request, preferences, client=client, durable=bool(body.save_images))
        if body.force_task_id:
            job.id = body.force_task_id
        return job, warnings

    def _preferences(self, body: Body, overridden: dict[str, Any]) -> tuple[Preferences, frozenset[str]]:
        """Those of this request, and the names of the overridden settings that are some. Raises RequestError."""
        settings = self._services.settings
        own = {name: value for name, value in overridden.items() if name in settings.model.model_fields}
        kept = {
            "samples_save": bool(body.save_images) and not body.do_not_save_samples,
            "grid_save": bool(body.save_images) and not body.do_not_save_grid and settings.current.grid_save,
        }
        try:
            preferences = settings.model.model_validate(settings.current.model_dump() | own | kept)
            if own and body.override_settings_restore_afterwards is False:
                settings.change(**own)
        except ValidationError as error:
            names = {name: name for name in settings.model.model_fields}
            raise RequestError(f"override_settings: {explain(error, settings.model, names)}") from error
        return preferences, frozenset(own)


def _answer(body: Body, job: Job, view: View, warnings: list[str]) -> dict[str, Any]:
    assert isinstance(job.task, GenerationRequest)
    info = generation_info.info(view, job.task, warnings)
    parameters = repaired(body.model_dump())
    if not parameters.get("include_init_images"):
        parameters |= {name: None for name in ("init_images", "mask") if name in parameters}
    images = [taken(one.path, keep=bool(body.save_images)) for one in view.gallery]
    return {"images": images if body.send_images is not False else [], "parameters": parameters, "info": info}


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
