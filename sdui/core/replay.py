"""The replay record: what else than the request moved a picture's pixels, and what came out."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from .request import GenerationRequest

_SHOWN_DIGITS = 12
_HASH_DIGITS = 64


class Record(BaseModel):
    """Kept in the file beside the infotext, as JSON. Hashes are SHA-256 in hexadecimal, "" where there is nothing.

    Fields of later versions are passed over. Conditions are compared in the order of the fields.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    checkpoint: str = ""
    vae: str = ""
    """Of a VAE file that took the place of the checkpoint's own."""
    adapters: dict[str, str] = {}
    """LoRA and its kin, embeddings, hypernetworks, second checkpoints: hashes by name."""
    init_image: str = ""
    """`imaging.fingerprints.of_picture`, as is `mask`: a copy in another lossless format is the same picture."""
    mask: str = ""
    sdui: str = ""
    torch: str = ""
    device: str = ""
    """Its name, such as "NVIDIA H100" or a processor's."""
    dtype: str = ""
    vae_dtype: str = ""
    """Where it is another than `dtype`."""
    vae_strips: bool = False
    """Memory was short, so the VAE worked in strips, which rounds differently."""
    attention: str = ""
    rng: str = ""
    """Where random numbers really came from."""
    threads: int = 0
    """0 where their number does not matter."""
    batch_size: int = 1
    position: int = 0
    """In its batch, from 0."""
    pixels: str = ""
    """`imaging.fingerprints.of_pixels` of the picture as drawn, before a lossy format."""


def read(text: str) -> Record | None:
    """A record from its JSON; None where it is none."""
    try:
        return Record.model_validate_json(text)
    except ValidationError:
        return None


class Difference(NamedTuple):
    """A condition that was another when the picture was made; all for people to read."""

    condition: str
    there: str
    here: str

    def __str__(self) -> str:
        return f"{self.condition} {self.there} there, {self.here} here"


def differences(there: Record, here: Record) -> tuple[Difference, ...]:
    """ "torch 2.13.0 there, 2.14.0 here" and the like; the place in the batch and the pixels are no conditions."""
    names = [name for name in Record.model_fields if name not in ("pixels", "batch_size", "position")]
    values = ((name, getattr(there, name), getattr(here, name)) for name in names)
    return tuple(
        Difference(name.replace("_", " "), _shown(was), _shown(now)) for name, was, now in values if was != now
    )


def whole_batch(request: GenerationRequest, record: Record) -> GenerationRequest:
    """The batch in which the picture of `request` was `record.position`; networks round differently in other sizes."""
    counted = "subseed" if request.subseed_strength else "seed"
    first = getattr(request, counted) - record.position
    return request.model_copy(update={counted: first, "batch_size": record.batch_size, "batch_count": 1})


def _shown(value: str | int | dict[str, str]) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(digest)}" for name, digest in sorted(value.items())) or "none"
    text = str(value) or "none"
    return text[:_SHOWN_DIGITS] if len(text) == _HASH_DIGITS else text
