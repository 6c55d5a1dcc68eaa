"""The cards' own routes, /page/networks: pages of cards, what is behind one, its notes and its picture.

A file is named by its title alone, which the worker looks up among those that it has found.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from sdui.core.errors import RequestError
from sdui.core.networks import PAGE_LENGTH, CardKind, Network, NetworkQuery, Notes, Sort, version_of_family
from sdui.imaging import card_pictures
from sdui.services import Services

PATH = "/page/networks"
Found = TypeVar("Found")
NOTED: dict[CardKind, tuple[str, ...]] = {
    "embedding": ("description", "notes"),
    "hypernetwork": ("description", "notes"),
    "checkpoint": ("vae", "description", "notes"),
    "lora": ("description", "sd version", "activation text", "preferred weight", "negative text", "notes"),
}
"""Which notes a kind has, in the order of A1111's editor."""
_LARGEST = 64 * 2**20
"""Bytes of a picture in base64."""
_FOREVER = "private, max-age=31536000, immutable"


class Ascii(JSONResponse):
    """Names of files may hold bytes that are no text, which only an escape can tell of."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


class Wish(BaseModel):
    """Which cards; see `NetworkQuery`."""

    model_config = ConfigDict(extra="forbid")

    kind: CardKind
    search: Annotated[str, Field(max_length=200)] = ""
    folder: Annotated[str, Field(max_length=4096)] = ""
    sort: Sort = "path"
    descending: bool = False
    fits: bool = False
    """Without those that say that they do not fit the chosen checkpoint."""
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0
    count: Annotated[int, Field(ge=1, le=4 * PAGE_LENGTH)] = PAGE_LENGTH
    anew: bool = False


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: CardKind
    title: str
    notes: Notes


class Picture(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: CardKind
    title: str
    picture: Annotated[str, Field(max_length=_LARGEST)]
    """In base64."""


def is_json(request: Request) -> None:
    """Other sites can make a browser send anything but this without asking first."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send JSON, with the content type application/json.")


def routes(services: Services) -> APIRouter:
    routes = APIRouter(prefix=PATH, default_response_class=Ascii, include_in_schema=False)
    cards = Cards(services)
    json_only = [Depends(is_json)]
    routes.get("")(cards.page)
    routes.get("/file")(cards.file)
    routes.get("/picture")(cards.picture)
    routes.post("/notes", dependencies=json_only)(cards.note)
    routes.post("/picture", dependencies=json_only)(cards.replace_picture)
    return routes


@dataclass(frozen=True)
class Cards:
    """The handlers. They are no coroutines: a folder of many files takes a while to look through."""

    services: Services

    def page(self, wish: Annotated[Wish, Query()]) -> Ascii:
        given = wish.model_dump()
        version = self._version() if given.pop("fits") else ""
        page = self.services.jobs.library().page(NetworkQuery(**given, version=version))
        return Ascii(
            {
                "total": page.found,
                "items": [self._item(wish.kind, network) for network in page.entries],
                "folders": page.folders,
                "separator": self.services.settings.current.extra_networks_add_text_separator,
                "empty": "" if page.found else self._nothing(wish),
            }
        )

    def file(self, kind: CardKind, title: str) -> Ascii:
        """What the dialogs show."""
        found = _there(self.services.jobs.library().file(kind, title))
        vaes = self.services.jobs.catalog().vaes if kind == "checkpoint" else ()
        return Ascii(
            {
                "path": found.location,
                "metadata": dict(found.metadata),
                "tags": dict(found.tags),
                "notes": _shown(kind, found.network.notes),
                "vaes": vaes,
            }
        )

    def picture(
        self, kind: CardKind, title: str, v: str = "", if_none_match: Annotated[str, Header()] = ""
    ) -> Response:
        """Made small. What was asked for with the version that it has may be kept for good."""
        stamp = _there(self.services.jobs.library().card(kind, title)).picture
        tag = f'"{stamp}"'
        headers = {"ETag": tag, "Cache-Control": _FOREVER if v == stamp else "private, no-cache"}
        if stamp and if_none_match == tag:
            return Response(status_code=304, headers=headers)
        try:
            data = card_pictures.small(self.services.jobs.library().picture(kind, title))
        except RequestError as error:
            raise HTTPException(404, str(error)) from error
        return Response(data, media_type="image/webp", headers=headers)

    def note(self, change: Change) -> Ascii:
        foreign = [name for name in change.notes.said() if name not in NOTED[change.kind]]
        if foreign:
            raise HTTPException(422, f"Notes: {', '.join(foreign)} cannot be noted of this kind of file.")
        try:
            network = self.services.jobs.library().note(change.kind, change.title, change.notes)
        except RequestError as error:
            raise HTTPException(422, str(error)) from error
        except OSError as error:
            raise HTTPException(422, f"The notes cannot be written: {error}.") from error
        return self._changed(change.kind, network)

    def replace_picture(self, given: Picture) -> Ascii:
        try:
            png = card_pictures.as_png(base64.b64decode(given.picture, validate=True))
            network = self.services.jobs.library().replace_picture(given.kind, given.title, png)
        except binascii.Error as error:
            raise HTTPException(422, "Preview: send the picture in base64.") from error
        except RequestError as error:
            raise HTTPException(422, str(error)) from error
        except OSError as error:
            raise HTTPException(422, f"The picture cannot be written: {error}.") from error
        return self._changed(given.kind, network)

    def _changed(self, kind: CardKind, network: Network | None) -> Ascii:
        return Ascii(self._item(kind, _there(network)))

    def _item(self, kind: CardKind, network: Network) -> dict[str, Any]:
        """One card, as networks.js draws it."""
        notes = network.notes
        item: dict[str, Any] = {
            "title": network.title,
            "name": network.name,
            "description": notes.description,
            "picture": network.picture,
            "tag": self._tag(kind, network),
        }
        if kind == "lora":
            item |= {"words": notes.activation_text, "negative": notes.negative_text, "version": network.version}
        return item

    def _tag(self, kind: CardKind, network: Network) -> str:
        """What goes into the prompt; of a checkpoint, what the drop-down calls it."""
        settings = self.services.settings.current
        strength = f"{settings.extra_networks_default_multiplier:g}"
        match kind:
            case "lora":
                name = network.name if settings.lora_preferred_name == "Filename" else network.alias
                weight = network.notes.preferred_weight
                return f"<lora:{name}:{f'{weight:g}' if weight else strength}>"
            case "hypernetwork":
                return f"<hypernet:{network.name}:{strength}>"
            case "embedding":
                return network.name
            case "checkpoint":
                return network.alias

    def _version(self) -> str:
        chosen = self.services.checkpoint(self.services.jobs.catalog())
        return version_of_family(chosen.family) if chosen else ""

    def _nothing(self, wish: Wish) -> str:
        if wish.search or wish.folder or wish.fits:
            return "No card is like this."
        return f"Put files into {self.services.launch.model_folders()[wish.kind][0]} and press refresh."


def _there(found: Found | None) -> Found:
    if found is None:
        raise HTTPException(404, "This file is not there any more; press refresh.")
    return found


def _shown(kind: CardKind, notes: Notes) -> dict[str, Any]:
    said = notes.model_dump(by_alias=True)
    return {name: said[name] for name in NOTED[kind]}
