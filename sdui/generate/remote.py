"""Lets a running server draw, over A1111's HTTP interface, and saves what it sends back."""

from __future__ import annotations

import io
import threading
from concurrent.futures import Future, wait
from typing import Annotated, Any, cast

import httpx
import numpy as np
from PIL import Image
from pydantic import BaseModel, Field, Json, ValidationError

from sdui.core import infotext
from sdui.core.a1111_body import decoded
from sdui.core.catalog import Checkpoint
from sdui.core.errors import LaunchError, SduiError
from sdui.core.events import Emit, GeneratedImage, ImageSaved, Progress
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences, SettingsFile
from sdui.imaging.grid import grid, rows_for
from sdui.imaging.pixels import opened
from sdui.imaging.store import OutputStore

from .body import body_of
from .local import preferences
from .options import Options
from .wishes import Wish

_POLL = 0.5
"""Seconds between two questions for the progress."""
_CONNECT = 10
"""Seconds; drawing itself may take any time."""


class _Info(BaseModel):
    infotexts: list[str] = []
    index_of_first_image: Annotated[int, Field(ge=0)] = 0
    """A grid may stand before the pictures."""


class _Answer(BaseModel):
    images: list[str]
    """Base64."""
    info: Json[_Info] = _Info()


class ServerLost(SduiError):
    """Whatever else is asked of this server will fail as well."""


class Remote:
    """Raises LaunchError for an address that is none."""

    def __init__(
        self, options: Options, model: type[GenerationRequest], transport: httpx.BaseTransport | None = None
    ) -> None:
        """transport: in place of the network."""
        self._model = model
        self._held: Preferences = preferences(options, SettingsFile(options.launch.settings_path).current)
        self._store = OutputStore(options.launch.data_dir, spare=False)
        url, auth = _address(options)
        self._shown = str(url)
        timeout = httpx.Timeout(None, connect=_CONNECT)
        self._client = httpx.Client(base_url=url, auth=auth, timeout=timeout, transport=transport)

    def settled(self, request: GenerationRequest, said: frozenset[str]) -> GenerationRequest:
        """The server has settings of its own."""
        return request

    def checkpoint(self, name: str) -> Checkpoint | None:
        """The server chooses the size where none is said."""
        return None

    def draw(self, wish: Wish, tell: Emit) -> None:
        kind = "img2img" if wish.request.init else "txt2img"
        answer: Future[httpx.Response] = Future()
        body = body_of(wish.request, wish.said)
        # A thread of its own: an interrupted wait must not keep the program from ending.
        threading.Thread(target=self._post, args=(f"/sdapi/v1/{kind}", body, answer), daemon=True).start()
        while not wait([answer], _POLL).done:
            self._tell_progress(tell)
        self._save(self._checked(answer.result()), wish.request, tell)

    def close(self) -> None:
        self._client.close()
        self._store.close()

    def _post(self, path: str, body: dict[str, Any], answer: Future[httpx.Response]) -> None:
        try:
            answer.set_result(self._client.post(path, json=body))
        except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: the client was closed meanwhile
            answer.set_exception(ServerLost(f"The server {self._shown} cannot be reached: {error}. Is it running?"))

    def _tell_progress(self, tell: Emit) -> None:
        try:
            response = self._client.get("/sdapi/v1/progress", params={"skip_current_image": "true"}, timeout=_CONNECT)
            said: Any = response.json()
            tell(Progress("Drawing", done=min(max(float(said["progress"]), 0.0), 1.0)))
        except (httpx.HTTPError, ValueError, TypeError, KeyError):
            return  # only the bar stands still

    def _checked(self, response: httpx.Response) -> _Answer:
        """The answer's content. Raises SduiError with what the server says."""
        said = _content(response)
        if response.status_code in (401, 403):
            raise ServerLost(f"The server {self._shown} wants another user or password: --api-auth USER:PASSWORD.")
        if response.status_code == 404 and said.get("detail", "Not Found") == "Not Found":
            raise ServerLost(f"The server {self._shown} has no /sdapi/v1, A1111's HTTP interface.")
        if not response.is_success:
            raise SduiError(_sentence(said) or f"The server answers {response.status_code}: {response.text[:200]}")
        try:
            return _Answer.model_validate(said)
        except ValidationError as error:
            raise ServerLost(f"What answers at {self._shown} is no Stable Diffusion server.") from error

    def _save(self, answer: _Answer, request: GenerationRequest, tell: Emit) -> None:
        first, texts = answer.info.index_of_first_image, answer.info.infotexts
        count = request.batch_count * request.batch_size
        received = [_picture(encoded) for encoded in answer.images[first : first + count]]
        made: list[GeneratedImage] = []
        for place, (data, image) in enumerate(received, first):
            text = texts[place] if place < len(texts) else ""
            made.append(GeneratedImage(np.asarray(image.convert("RGB")), self._request(text, request)))
            path = self._store.save_encoded(data, image.format or "png", made[-1], self._held)
            tell(ImageSaved(str(path), text, made[-1].request, "image"))
        if len(made) > 1 and self._held.grid_save:
            sheet = grid([image.pixels for image in made], rows_for(len(made), self._held.n_rows, request.batch_size))
            tell(self._store.save(GeneratedImage(sheet, made[0].request, kind="grid"), self._held)[0])
        if len(made) < count:
            raise SduiError(f"The server sent {len(made)} of {count} pictures: it was interrupted.")

    def _request(self, text: str, asked: GenerationRequest) -> GenerationRequest:
        """What file names are made of."""
        return infotext.read(text, self._model) if text else asked


def _address(options: Options) -> tuple[httpx.URL, tuple[str, str] | None]:
    """Without user and password, and those."""
    text = options.server if "://" in options.server else f"http://{options.server}"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise LaunchError(
            f"--server: {options.server} is no address ({error}); http://127.0.0.1:7860 is one."
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise LaunchError(f"--server: {options.server} is no address; http://127.0.0.1:7860 is one.")
    user, colon, password = options.auth.partition(":")
    if options.auth and not colon:
        raise LaunchError("--api-auth: a user and a password are needed, with a colon between them.")
    auth = (user, password) if colon else (url.username, url.password) if url.userinfo else None
    return url.copy_with(userinfo=b""), auth


def _content(response: httpx.Response) -> dict[str, Any]:
    """Empty where it is no JSON object."""
    try:
        said = response.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def _sentence(said: dict[str, Any]) -> str:
    """What is wrong, from A1111's form of an error, with FastAPI's list for 422."""
    detail: Any = said.get("errors") or said.get("detail") or ""
    if not isinstance(detail, list):
        return str(detail)
    problems = cast("list[dict[str, Any]]", detail)
    return " ".join(f"{problem.get('loc', [''])[-1]}: {problem.get('msg', '')}." for problem in problems)


def _picture(encoded: str) -> tuple[bytes, Image.Image]:
    """The file, and what is in it."""
    data = decoded(encoded, "The server's picture")
    opened(data, "The server's picture")
    return data, Image.open(io.BytesIO(data))
