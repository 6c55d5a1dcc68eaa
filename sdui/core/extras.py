"""What the Extras tab asks for: operations on pictures that are there already; and describing one in words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

from .groups import Extended
from .params import Param, Params

if TYPE_CHECKING:
    from PIL import Image


class Given(Params):
    """One picture that the user handed over."""

    data: bytes
    name: str = ""
    """Its file's name, without folder."""


class ExtrasRequest(Extended):
    """The operations are those of `extensions` that are on, groups of the place "operation"."""

    pictures: tuple[Given, ...] = ()
    input_dir: Annotated[
        str,
        Param(
            "Input directory",
            "A folder on the computer that the server runs on.",
            widget="directory",
            elem_id="batch_input_dir",
        ),
    ] = ""
    """In place of `pictures`."""
    output_dir: Annotated[
        str,
        Param(
            "Output directory",
            "Empty is the folder of the settings.",
            widget="directory",
            elem_id="batch_output_dir",
        ),
    ] = ""
    show_results: Annotated[
        bool, Param("Show result images", a1111="show_extras_results", elem_id="show_extras_results")
    ] = True
    kept: bool = True
    """Saved in the outputs folder; False for whoever takes the pictures along, as the API does."""


class InterrogateRequest(Params):
    """Say in words what a picture shows; the answer is an event `Described`."""

    image: bytes
    describer: Annotated[str, Param("Interrogator", choices="describers", a1111="model")] = "CLIP"


@dataclass(slots=True)
class Picture:
    """One picture on its way through the operations, which change it in place."""

    image: Image.Image
    """RGB, or RGBA where the file has transparency."""
    name: str = ""
    """Its file's name without folder and ending."""
    infotext: str = ""
    """What the file says of how it was made."""
    texts: dict[str, str] = field(default_factory=dict[str, str])
    """Other texts in the file, by their keys."""
    exif: bytes = b""
    icc: bytes = b""
    """The colour profile."""
    info: dict[str, Any] = field(default_factory=dict[str, Any])
    """Infotext pairs of what was done: "Postprocess upscale by": 4."""
    caption: str = ""
    """Saved as a text file beside the picture."""
    suffix: str = ""
    """Put behind the name where several pictures are made of one."""
    target: tuple[int, int] | None = None
    """Width and height that crops are to have."""
    others: list[Picture] = field(default_factory=list["Picture"])
    """Further pictures that an operation made of this one; the later operations are done on them as well."""

    def add(self, image: Image.Image, suffix: str) -> None:
        """Another picture made of this one, with what is known of it."""
        self.others.append(replace(self, image=image, suffix=self.suffix + suffix, info=dict(self.info), others=[]))
