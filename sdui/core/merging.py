"""The request for a new checkpoint made from one, two or three others."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, cast

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from .params import Param, Params, Text

NO_INTERPOLATION, WEIGHTED_SUM, ADD_DIFFERENCE = "No interpolation", "Weighted sum", "Add difference"
METHODS = {
    NO_INTERPOLATION: "A alone, in another format, with another VAE or with less in it.",
    WEIGHTED_SUM: "A * (1 - M) + B * M.",
    ADD_DIFFERENCE: "A + (B - C) * M.",
}
"""What each makes."""
FORMATS = ("ckpt", "safetensors")
CONFIG_SOURCES = ("A, B or C", "B", "C", "Don't")


class MergeRequest(Params):
    """What a new checkpoint is made from. Models are named by name, title or the first digits of their hash."""

    primary: Annotated[
        Text,
        Param("Primary model (A)", choices="checkpoints", a1111="primary_model_name", elem_id="primary_model_name"),
    ] = ""
    secondary: Annotated[
        Text,
        Param(
            "Secondary model (B)", choices="checkpoints", a1111="secondary_model_name", elem_id="secondary_model_name"
        ),
    ] = ""
    tertiary: Annotated[
        Text,
        Param("Tertiary model (C)", choices="checkpoints", a1111="tertiary_model_name", elem_id="tertiary_model_name"),
    ] = ""
    output: Annotated[
        Text,
        Param(
            "Custom Name (Optional)",
            "Name of the new file without its ending; empty means one made from the models' names.",
            a1111="custom_name",
            elem_id="custom_name",
        ),
    ] = ""
    multiplier: Annotated[
        float,
        Field(ge=0, le=1),
        Param("Multiplier (M) - set to 0 to get model A", "0 gives A.", step=0.05, elem_id="interp_amount"),
    ] = 0.3
    method: Annotated[
        str,
        Param(
            "Interpolation Method",
            " ".join(f"{method}: {makes}" for method, makes in METHODS.items()),
            widget="radio",
            choices=tuple(METHODS),
            a1111="interp_method",
            elem_id="interp_method",
        ),
    ] = WEIGHTED_SUM
    format: Annotated[
        str,
        Param(
            "Checkpoint format", widget="radio", choices=FORMATS, a1111="checkpoint_format", elem_id="checkpoint_format"
        ),
    ] = "safetensors"
    half: Annotated[
        bool,
        Param("Save as float16", "Half the size of float32.", a1111="save_as_half", elem_id="save_as_half"),
    ] = False
    save_metadata: Annotated[bool, Param("Save metadata", "Only safetensors files can have any.")] = True
    add_merge_recipe: Annotated[
        bool, Param("Add merge recipe metadata", "From which models and how this one was made.", elem_id="add_recipe")
    ] = True
    copy_metadata: Annotated[
        bool, Param("Copy metadata from merged models", a1111="copy_metadata_fields", elem_id="copy_metadata")
    ] = True
    metadata_json: Annotated[
        Text, Param("Metadata in JSON format", "Added to the rest; an object.", widget="lines")
    ] = "{}"
    config_source: Annotated[
        str,
        Param(
            "Copy config from",
            "Whose .yaml file is copied beside the new checkpoint.",
            widget="radio",
            choices=CONFIG_SOURCES,
            elem_id="config_method",
        ),
    ] = CONFIG_SOURCES[0]
    bake_in_vae: Annotated[
        Text,
        Param(
            "Bake in VAE", "A VAE file to put in place of A's VAE; empty keeps A's.", choices="vae_files", empty="None"
        ),
    ] = ""
    discard_weights: Annotated[
        Text, Param("Discard weights with matching name", "A regular expression; what it finds is left out.")
    ] = ""
    overwrite: Annotated[bool, Param("Overwrite an existing file", "Without it an existing file stays.")] = False

    @field_validator("output")
    @classmethod
    def _is_plain_name(cls, name: str) -> str:
        if re.search(r"[/\\\0]", name) or name.startswith("."):
            raise PydanticCustomError("name", "a plain file name without folders is needed")
        return name

    @field_validator("discard_weights")
    @classmethod
    def _is_regex(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise PydanticCustomError("regex", "a regular expression is needed ({why})", {"why": str(error)}) from error
        return pattern

    @field_validator("metadata_json")
    @classmethod
    def _is_object(cls, text: str) -> str:
        try:
            given = json.loads(text or "{}")
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise PydanticCustomError("object", "a JSON object such as {example} is needed", {"example": '{"a": "b"}'})
        return text

    @property
    def metadata(self) -> dict[str, str]:
        """The user's own; what is no text is kept as JSON, as the format knows only texts."""
        given: dict[str, Any] = cast("dict[str, Any]", json.loads(self.metadata_json or "{}"))
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}

    @property
    def models(self) -> dict[str, str]:
        """What the method reads, A first: the names given, by field."""
        fields = ("primary", "secondary", "tertiary")[: 1 + list(METHODS).index(self.method)]
        return {field: getattr(self, field) for field in fields}
