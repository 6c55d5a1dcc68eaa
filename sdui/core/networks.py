"""The library of files that a person chooses from: LoRAs, embeddings, hypernetworks and checkpoints, as cards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .catalog import ModelKind
from .params import Text

CardKind = Literal["embedding", "hypernetwork", "checkpoint", "lora"]
Sort = Literal["path", "name", "created", "modified"]
SD_VERSIONS = ("SD1", "SD2", "SDXL")
"""A1111's names of what a LoRA was made for; "Unknown" beside them."""
PAGE_LENGTH = 60
"""Cards that are sent at once."""
_LONGEST = 20_000
"""Letters of a note."""

Note = Annotated[Text, Field(max_length=_LONGEST)]


class Notes(BaseModel):
    """What a user notes of a file, in the JSON file beside it under A1111's keys, which the aliases are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Note = ""
    notes: Note = ""
    sd_version: Annotated[Literal["SD1", "SD2", "SDXL", "Unknown"], Field(alias="sd version")] = "Unknown"
    activation_text: Annotated[Note, Field(alias="activation text")] = ""
    negative_text: Annotated[Note, Field(alias="negative text")] = ""
    preferred_weight: Annotated[float, Field(alias="preferred weight", ge=0, le=2)] = 0.0
    """0 = the user's default for all."""
    vae: Note = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Notes:
        """What of a file's text is valid; the rest counts as not said."""
        named = {name: given[name] for name in note_keys() if name in given}
        while True:
            try:
                return cls.model_validate(named)
            except ValidationError as error:
                for one in error.errors():
                    named.pop(str(one["loc"][0]), None)

    def said(self) -> dict[str, Any]:
        """What was said, under the file's keys."""
        return self.model_dump(by_alias=True, exclude_unset=True)


def note_keys() -> tuple[str, ...]:
    """Of the file."""
    return tuple(field.alias or name for name, field in Notes.model_fields.items())


@dataclass(frozen=True, slots=True)
class NetworkQuery:
    """Which cards of a kind, and from where on."""

    kind: CardKind
    search: str = ""
    """Words; each has to be in path, alias, hash, description, activation text or tags, in any case."""
    by_name: bool = False
    """Search only path, alias and hash."""
    folder: str = ""
    """"sub/folder": only what is in it or deeper."""
    sort: Sort = "path"
    descending: bool = False
    version: str = ""
    """One of SD_VERSIONS: without those that say they were made for another. "" = all."""
    offset: int = 0
    count: int = PAGE_LENGTH
    anew: bool = False
    """Look through the folders again first."""


@dataclass(frozen=True, slots=True)
class Network:
    """One card."""

    title: str
    """Its path in the models folder, with "/"; no two of a kind have the same."""
    name: str
    """File name without folder and extension."""
    alias: str
    """What its maker called it; the name where that is unknown or would mean another file as well. Of a checkpoint,
    its title in the catalog."""
    notes: Notes = field(default_factory=Notes)
    version: str = ""
    """One of SD_VERSIONS, as noted or as its training says; "" = unknown."""
    picture: str = ""
    """Changes whenever its picture does; "" = it has none."""


@dataclass(frozen=True, slots=True)
class NetworkPage:
    """Some of the cards that a query has found; there may be tens of thousands."""

    entries: tuple[Network, ...] = ()
    found: int = 0
    """How many in all."""
    folders: tuple[str, ...] = ()
    """All that there are of the kind."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """What is behind a card."""

    network: Network
    location: str
    """The file's whole path on the server."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """What training and makers wrote into it, pictures left out."""
    tags: Mapping[str, int] = field(default_factory=dict[str, int])
    """How often which tag was in its training pictures, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a file is and what it is called; nothing of it need be read for this but a LoRA's metadata."""

    title: str
    """Its path in the models folder, with "/"."""
    name: str
    """As prompts and drop-downs have it."""
    location: str
    """Its whole path on the server."""
    alias: str = ""
    """What its maker called it; of LoRAs."""
    config: str = ""
    """The whole path of a checkpoint's .yaml; "" where there is none."""
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of LoRAs."""


@dataclass(frozen=True, slots=True)
class EmbeddingFacts:
    vectors: int
    """Tokens that it takes the place of."""
    width: int
    """Numbers of each, over all text encoders."""
    usable: bool
    """With the checkpoint that was asked for."""


class Library(Protocol):
    """A worker's files. `title` is a card's; whatever it says, no other file is touched."""

    def page(self, query: NetworkQuery) -> NetworkPage: ...

    def card(self, kind: CardKind, title: str) -> Network | None:
        """None when there is no such file."""
        ...

    def file(self, kind: CardKind, title: str) -> NetworkFile | None: ...

    def located(self, kind: ModelKind) -> tuple[Located, ...]:
        """Every file of a kind; the folders are looked through anew."""
        ...

    def picture(self, kind: CardKind, title: str) -> bytes:
        """As it stands beside or in the file; b"" when there is none."""
        ...

    def note(self, kind: CardKind, title: str, notes: Notes) -> Network | None:
        """Write what the notes say; what else the file says stays. Raises RequestError, and OSError."""
        ...

    def replace_picture(self, kind: CardKind, title: str, png: bytes) -> Network | None:
        """Raises OSError."""
        ...


def version_of_family(family: str) -> str:
    """One of SD_VERSIONS for a checkpoint's family, as the catalog calls it; "" for others."""
    begins = {"Stable Diffusion 1": "SD1", "Stable Diffusion 2": "SD2", "Stable Diffusion XL": "SDXL"}
    return next((version for start, version in begins.items() if family.startswith(start)), "")


def mapping(given: Any) -> dict[str, Any]:
    """The same if it is one with texts as keys, as JSON objects are, else an empty one."""
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}
