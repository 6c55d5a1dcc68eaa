"""OpenAI's images interface, /v1/images: what its clients send, drawn by the checkpoints that are here."""

from __future__ import annotations

import base64
import io
import math
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.routing import APIRoute
from PIL import Image, ImageOps
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from sdui.core import standing
from sdui.core.catalog import Checkpoint
from sdui.core.errors import ModelNotFound, RequestError, SduiError
from sdui.core.request import GenerationRequest
from sdui.core.stages import MASKED_CONTENT
from sdui.imaging.pixels import opened
from sdui.jobs.job import View
from sdui.services import Services

from .refusals import TaskFailed
from .tasks import Tasks

_SIZE = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})", re.ASCII)
_SIZES: dict[str, Any] = {"pattern": r"^(auto|[1-9]\d{1,3}x[1-9]\d{1,3})$"}
"""For readers of the interface's description; `_size` says in words what is wrong."""
_MOST_SERVED = 1000
"""Pictures whose address is remembered."""
_STATUS = {RequestError.__name__: 400, ModelNotFound.__name__: 404, "Interrupted": 400}
"""Of an error's class; any other is the server's own, 500, and OpenAI's clients then try again."""
_NAMED = ("image", "mask", "size", "stream", "model")
"""Fields that our own sentences begin with."""

Count = Annotated[int, Field(ge=1, le=10)]
Sending = Literal["url", "b64_json"]


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class GenerationBody(BaseModel):
    """Fields of OpenAI's that mean nothing here, such as quality and style, are ignored."""

    prompt: str = Field(description="What the picture shows.")
    model: str | None = Field(
        None, description="A checkpoint's name; any other means the one that the page draws with."
    )
    n: Count | None = Field(1, strict=True, description="How many pictures.")
    size: str | None = Field(
        "auto", description='"512x768", or "auto": what the checkpoint draws best at.', json_schema_extra=_SIZES
    )
    response_format: Sending | None = Field(None, description="Where the model's name is gpt-image-..., b64_json.")
    seed: int | None = Field(None, ge=-1, le=2**63 - 1, strict=True, description="Not OpenAI's; -1 is a new one.")
    stream: bool | None = Field(
        None,
        strict=True,
        description="Pictures are sent when they are finished.",
        json_schema_extra={"enum": [False, None]},
    )


class Picture(BaseModel):
    url: Annotated[str | None, Field(description="Valid until the server ends.")] = None
    b64_json: str | None = None


class PicturesAnswer(BaseModel):
    created: int = Field(description="Seconds since 1970.")
    data: list[Picture]
    output_format: str = Field(description="png, jpeg or webp, as the settings have it.")
    size: str


class Model(BaseModel):
    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "sdui"


class ModelsAnswer(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


class _Route(APIRoute):
    """Answers errors in OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except (RequestValidationError, HTTPException, SduiError, TaskFailed) as error:
                return _refused(error)

        return handled


def routes(services: Services, tasks: Tasks) -> APIRouter:
    errors: dict[int | str, dict[str, Any]] = {code: {"model": ErrorAnswer} for code in ("4XX", "5XX")}
    served, images = APIRouter(route_class=_Route, responses=errors, tags=["OpenAI"]), _Images(services, tasks)
    served.get("/models")(images.models)
    served.post("/images/generations", response_model_exclude_none=True)(images.generate)
    served.post("/images/edits", response_model_exclude_none=True)(images.edit)
    served.get("/images/files/{name}", name=_Images.FILE, response_class=FileResponse)(images.file)
    return served


class _Images:
    FILE = "openai_file"

    def __init__(self, services: Services, tasks: Tasks) -> None:
        self._services, self._tasks = services, tasks
        self._served: OrderedDict[str, Path] = OrderedDict()

    def models(self) -> ModelsAnswer:
        found = self._services.jobs.catalog().checkpoints
        return ModelsAnswer(data=[Model(id=one.name) for one in found if not one.problem])

    async def generate(self, body: GenerationBody, request: Request) -> PicturesAnswer:
        if body.stream:
            raise RequestError("stream: pictures are sent when they are finished; leave it out.")
        task = await run_in_threadpool(self._task, body, b"", b"")
        return self._answer(await self._tasks.run(task, request), body, request)

    async def edit(  # noqa: PLR0913 - the fields of a form
        self,
        request: Request,
        prompt: Annotated[str, Form(description="What the picture is to show.")],
        image: Annotated[list[UploadFile] | None, File(description="The first one is edited.")] = None,
        images: Annotated[list[UploadFile] | None, File(alias="image[]", description="The same.")] = None,
        mask: Annotated[UploadFile | None, File(description="What is transparent in it is drawn anew.")] = None,
        model: Annotated[str | None, Form()] = None,
        n: Annotated[Count, Form()] = 1,
        size: Annotated[
            str, Form(description='"auto": as much as the checkpoint draws best.', json_schema_extra=_SIZES)
        ] = "auto",
        response_format: Annotated[Sending | None, Form()] = None,
    ) -> PicturesAnswer:
        """Without a mask, what is transparent in the picture is drawn anew; without that, all of it a little."""
        given = [*(image or ()), *(images or ())]
        if not given:
            raise RequestError("image: choose a picture first.")
        body = GenerationBody(
            prompt=prompt, model=model, n=n, size=size, response_format=response_format, seed=None, stream=None
        )
        files = await given[0].read(), await mask.read() if mask else b""
        task = await run_in_threadpool(self._task, body, *files)
        return self._answer(await self._tasks.run(task, request), body, request)

    def file(self, name: str) -> FileResponse:
        """A picture that an answer named."""
        path = self._served.get(name)
        if path is None or not path.is_file():
            raise HTTPException(404, "There is no such picture, or not any more.")
        return FileResponse(path)

    def _task(self, body: GenerationBody, image: bytes, mask: bytes) -> GenerationRequest:
        """With what the settings say of the rest. Raises RequestError naming the field."""
        chosen = self._checkpoint(body.model or "")
        values: dict[str, Any] = {"prompt": body.prompt, "batch_count": body.n or 1, "model": chosen.title}
        if body.seed is not None:
            values["seed"] = body.seed
        shape = chosen.width, chosen.height
        if image:
            picture = opened(image, "image")
            shape = _scaled(picture.size, shape)
            values["init"] = _init(image, picture, mask)
        values |= dict(zip(("width", "height"), _size(body.size, shape), strict=True))
        request = self._services.requests.model_validate(values)
        return standing.applied(request, self._services.settings.current, ())

    def _checkpoint(self, name: str) -> Checkpoint:
        """Of this name, else the one that the page draws with."""
        catalog = self._services.jobs.catalog()
        wanted = (name, self._services.settings.current.sd_model_checkpoint, self._services.launch.ckpt)
        found = next((one for one in map(catalog.find, filter(None, wanted)) if one), None) or catalog.checkpoint("")
        if found is None:
            raise ModelNotFound("model: there is no checkpoint here yet.")
        return found

    def _answer(self, view: View, body: GenerationBody, request: Request) -> PicturesAnswer:
        saved = [one for one in view.images if one.kind == "image"]
        if not saved:
            raise TaskFailed("Interrupted", "The picture was interrupted or skipped before it was finished.")
        in_text = (body.response_format or ("b64_json" if _sends_text(body.model) else "url")) == "b64_json"
        first = saved[0]
        return PicturesAnswer(
            created=int(time.time()),
            data=[self._picture(Path(one.path), request, in_text=in_text) for one in saved],
            output_format=Path(first.path).suffix[1:].replace("jpg", "jpeg"),
            size=f"{first.request.width}x{first.request.height}",
        )

    def _picture(self, path: Path, request: Request, *, in_text: bool) -> Picture:
        if in_text:
            return Picture(b64_json=base64.b64encode(path.read_bytes()).decode())
        name = f"{secrets.token_urlsafe(16)}{path.suffix}"
        self._served[name] = path
        while len(self._served) > _MOST_SERVED:
            self._served.popitem(last=False)
        return Picture(url=str(request.url_for(self.FILE, name=name)))


def _sends_text(model: str | None) -> bool:
    """Whose answers OpenAI always sends as text."""
    return (model or "").startswith(("gpt-image", "chatgpt-image"))


def _size(text: str | None, shape: tuple[int, int]) -> tuple[int, int]:
    if text in (None, "auto"):
        return shape
    size = _SIZE.fullmatch(text)
    if not size:
        raise RequestError(
            f'size: {text[:40]!r} is no size of 10 to 9999 pixels a side, such as "512x768", nor "auto".'
        )
    return int(size[1]), int(size[2])


def _scaled(size: tuple[int, int], shape: tuple[int, int]) -> tuple[int, int]:
    """As many pixels as `shape` has, in the proportions of `size`."""
    factor = math.sqrt(math.prod(shape) / math.prod(size))
    width, height = (min(max(round(side * factor / 8) * 8, 8), 16384) for side in size)
    return width, height


def _init(image: bytes, picture: Image.Image, mask: bytes) -> dict[str, Any]:
    """What is transparent is drawn anew, from nothing."""
    alpha = opened(mask, "mask") if mask else picture
    if alpha.mode != "RGBA":
        if mask:
            raise RequestError("mask: nothing of it is transparent; make transparent what is to be drawn anew.")
        return {"image": image}
    encoded = io.BytesIO()
    ImageOps.invert(alpha.getchannel("A")).save(encoded, "png", compress_level=1)
    inpaint = {"mask": encoded.getvalue(), "fill": MASKED_CONTENT[0]}
    return {"image": image, "denoising_strength": 1.0, "inpaint": inpaint}


def _refused(error: Exception) -> JSONResponse:
    param: str | None = None
    match error:
        case RequestValidationError():
            status, kind, (param, text) = 400, "", _first(error)
        case HTTPException():
            status, kind, text = error.status_code, "", str(error.detail)
        case _:
            kind = error.kind if isinstance(error, TaskFailed) else type(error).__name__
            status, text = _STATUS.get(kind, 500), str(error)
            param = next((name for name in _NAMED if text.startswith(f"{name}:")), None)
    code = {ModelNotFound.__name__: "model_not_found", "Interrupted": "interrupted"}.get(kind)
    said = ErrorDetail(
        # Half of an emoji, which cannot be sent, may stand in what is quoted.
        message=text.encode("utf-8", "replace").decode(),
        type="invalid_request_error" if status < 500 else "server_error",
        param=param,
        code=code,
    )
    return JSONResponse(ErrorAnswer(error=said).model_dump(), status)


def _first(error: RequestValidationError) -> tuple[str | None, str]:
    """The field that is wrong, and what about it."""
    problem = error.errors()[0]
    field = str(problem["loc"][1]) if len(problem["loc"]) > 1 else None
    return field, f"{field or 'body'}: {problem['msg']}."
