"""What the History tab asks for with its own JavaScript. A picture is named by its id in the index, never by a path."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel

from sdui.core.errors import PictureNotFound, RequestError, SduiError
from sdui.history.database import Row
from sdui.history.history import MOST, History, Picture
from sdui.imaging.file_formats import glance

from . import markup

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_FURTHEST = 10**9
_NANOSECONDS = 10**9
_LASTING = "private, max-age=31536000, immutable"
"""An id means one version of one file."""

Id = Annotated[str, InPath(pattern="^[0-9a-f]{16}$")]


class _Star(BaseModel):
    favourite: bool


class _Nothing(BaseModel):
    """A body all the same: a form of another site cannot send JSON."""


def routes(history: History) -> APIRouter:
    router = APIRouter(prefix="/page/history", include_in_schema=False)

    @router.get("")
    def find(
        q: str = "",
        offset: Annotated[int, Query(ge=0, le=_FURTHEST)] = 0,
        count: Annotated[int, Query(ge=1, le=MOST)] = 60,
    ) -> dict[str, Any]:
        """`reading`: files that were read and those that had to be, while the index is not complete."""
        with _refused():
            page = history.page(q, offset, count)
        return {"total": page.total, "items": [_listed(row) for row in page.rows], "reading": page.reading}

    @router.post("/look")
    def look(body: _Nothing) -> dict[str, Any]:
        """Have the folders looked through for what came or went without sdui."""
        history.look()
        return {}

    @router.get("/{id}")
    def tell(id: Id) -> dict[str, Any]:
        with _refused():
            return _described(history.picture(int(id, 16)))

    @router.get("/{id}/thumbnail")
    def thumbnail(id: Id, request: Request) -> Response:
        if _known(request, id):
            return Response(status_code=304, headers=_headers(id))
        with _refused():
            data = history.thumbnail(int(id, 16))
        return Response(data, media_type="image/webp", headers=_headers(id))

    @router.get("/{id}/picture")
    def picture(id: Id, request: Request) -> Response:
        if _known(request, id):
            return Response(status_code=304, headers=_headers(id))
        with _refused():
            path = history.picture(int(id, 16)).path
        kind = _TYPES[path.suffix.lower()]
        return FileResponse(
            path, media_type=kind, headers=_headers(id), filename=path.name, content_disposition_type="inline"
        )

    @router.post("/{id}/favourite")
    def favour(id: Id, body: _Star) -> dict[str, Any]:
        with _refused():
            history.favour(int(id, 16), body.favourite)
        return {}

    @router.post("/{id}/delete")
    def delete(id: Id, body: _Nothing) -> dict[str, Any]:
        with _refused():
            history.delete(int(id, 16))
        return {}

    return router


def _listed(row: Row) -> dict[str, Any]:
    return {
        "id": f"{row.id:016x}",
        "name": row.name.rpartition("/")[2],
        "width": row.width,
        "height": row.height,
        "favourite": row.favourite,
        "prompt": row.prompt,
    }


def _described(picture: Picture) -> dict[str, Any]:
    row = picture.row
    text = infotext_of(picture.path)
    folder = Path(row.name).parent.as_posix()
    made = datetime.fromtimestamp(row.mtime / _NANOSECONDS).strftime("%Y-%m-%d %H:%M")
    facts = {"folder": folder, "made": made, "bytes": row.size, "parameters": bool(text)}
    return _listed(row) | facts | {"html": markup.summary(text) if text else ""}


def infotext_of(path: Path) -> str:
    """ "" for a damaged picture as well. Raises RequestError for one that is gone."""
    try:
        return glance(path).infotext
    except RequestError:
        return ""
    except OSError as error:
        raise RequestError(f"{path.name} cannot be read: {error.strerror}.") from error


def _known(request: Request, id: str) -> bool:
    return f'"{id}"' in request.headers.get("if-none-match", "")


def _headers(id: str) -> dict[str, str]:
    return {"ETag": f'"{id}"', "Cache-Control": _LASTING, "X-Content-Type-Options": "nosniff"}


@contextmanager
def _refused() -> Generator[None]:
    """Errors as HTTP has them, with their sentence."""
    try:
        yield
    except PictureNotFound as error:
        raise HTTPException(404, str(error)) from error
    except RequestError as error:
        raise HTTPException(422, str(error)) from error
    except SduiError as error:
        raise HTTPException(500, str(error)) from error
