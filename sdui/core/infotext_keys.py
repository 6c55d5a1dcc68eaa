"""Which key of an infotext is which parameter, and in which order A1111 writes them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from .groups import PREFIX, Extended, groups_of
from .pairs import NEGATIVE, PROMPT, is_key, squeezed
from .params import declared
from .request import GenerationRequest

Model = type[Extended]
"""GenerationRequest, or with the parameters of extensions."""
SCRIPT = "Script"
SOFT = "Soft inpainting enabled"
FIRST_PASS_SIZE = "First pass size"
HYPERNET, HYPERNET_STRENGTH = "Hypernet", "Hypernet strength"
VERSION = "Version"
LORA_HASHES, TI_HASHES = "Lora hashes", "TI hashes"
_ABOUT_THE_FILE = (VERSION, "User", "Batch size", "Batch pos", "VAE precision", "Template", "Negative Template")
"""They tell how a picture came to be and would be untrue of the next one."""

_MODELS = 8
"""Classes of requests whose keys are remembered; a server has one."""
_ORDER = """
    Steps, Sampler, Schedule type, CFG scale, Image CFG scale, Seed, Face restoration, Size, Model hash, Model,
    FP8 weight, Cache FP16 weight for LoRA, VAE hash, VAE, Variation seed, Variation seed strength, Seed resize from,
    Denoising strength, Conditional mask weight, Clip skip, ENSD, Token merging ratio, Token merging ratio hr,
    Init image hash, RNG, NGMS, Tiling, Soft inpainting enabled, Soft inpainting schedule bias,
    Soft inpainting preservation strength, Soft inpainting transition contrast boost, Soft inpainting mask influence,
    Soft inpainting difference threshold, Soft inpainting difference contrast, Mask mode, Mask blur, Inpaint area,
    Masked area padding, Masked content, Hires checkpoint, Hires sampler, Hires schedule type, Hires prompt,
    Hires negative prompt, Hires upscale, Hires resize, Hires steps, Hires upscaler, Lora hashes, TI hashes, Emphasis,
    Old prompt editing timelines, Downcast alphas_cumprod, Noise Schedule, Noise multiplier, Discard penultimate sigma,
    Schedule min sigma, Schedule max sigma, Schedule rho, Beta schedule alpha, Beta schedule beta,
    SGM noise multiplier, Extra noise, Eta, Eta DDIM, Sigma churn, Sigma tmin, Sigma tmax, Sigma noise,
    Skip Early CFG, NGMS all steps, Pad conds, Pad conds v0, Hires refiner, Refiner, Refiner switch at
"""


@dataclass(frozen=True, slots=True)
class Place:
    """One parameter, or two whose values share a key: "512x768"."""

    paths: tuple[str, ...]
    defaults: tuple[Any, ...]
    always: bool
    """Written even when the value is the default."""
    stage: str


@dataclass(frozen=True, slots=True)
class Key:
    """One key of an infotext; "Denoising strength" is in two places, of which a picture has one."""

    text: str
    places: tuple[Place, ...]


@functools.lru_cache(_MODELS)
def all_keys(model: Model = GenerationRequest) -> tuple[Key, ...]:
    """All keys of parameters, in the order in which they are written; A1111's come before our own."""
    found: dict[str, list[Place]] = {}
    told: set[str] = set()
    """Extensions with a key that is always written: it says that they are on."""
    for d in declared(model):
        name, half = halved(d.param.infotext)
        places = found.setdefault(name, [])
        other = places.pop() if half == "2" else Place((), (), False, "")
        always = other.always or d.param.infotext_always
        stage = d.path.rpartition(".")[0]
        if name and stage.startswith(PREFIX) and stage not in told:
            told.add(stage)
            always = True
        places.append(Place((*other.paths, d.path), (*other.defaults, d.field.default), always, stage))
    made = [Key(name, tuple(places)) for name, places in found.items() if name]
    return tuple(sorted(made, key=lambda key: place_in_order(key.text)))


@functools.cache
def _places_in_order() -> dict[str, int]:
    return {key.strip(): place for place, key in enumerate(_ORDER.split(","))}


def place_in_order(key: str) -> int:
    """For sorting; keys that A1111 does not write have the last place together."""
    places = _places_in_order()
    return places.get(key, len(places))


@functools.lru_cache(_MODELS)
def by_squeezed(model: Model = GenerationRequest) -> dict[str, Key]:
    return {squeezed(key.text): key for key in all_keys(model)}


@functools.lru_cache(_MODELS)
def of_stage(stage: str, model: Model = GenerationRequest) -> frozenset[str]:
    """Squeezed keys of this stage's own parameters; of an extension's, those that nothing else has."""
    enough = all if stage.startswith(PREFIX) else any
    found = (key for key in all_keys(model) if enough(place.stage == stage for place in key.places))
    return frozenset(squeezed(key.text) for key in found)


@functools.lru_cache(_MODELS)
def known(model: Model = GenerationRequest) -> frozenset[str]:
    """Squeezed keys that are no strangers: parameters, and what is used or dropped in reading."""
    script = (SCRIPT,) if groups_of(model) else ()
    others = (*script, PROMPT, NEGATIVE, SOFT, FIRST_PASS_SIZE, HYPERNET, HYPERNET_STRENGTH, *_ABOUT_THE_FILE)
    return frozenset(by_squeezed(model)) | {squeezed(key) for key in others}


def is_stranger(key: str, model: Model = GenerationRequest) -> bool:
    """Whether a pair of this key is another program's, to be carried through."""
    return is_key(key) and squeezed(key) not in known(model)


@functools.lru_cache(_MODELS)
def names(model: Model = GenerationRequest) -> tuple[str, ...]:
    """As they are written, for finding them in a recipe that lost its form."""
    return (*(key.text for key in all_keys(model)), SCRIPT, SOFT, FIRST_PASS_SIZE, VERSION)


@functools.lru_cache(_MODELS)
def extension_stages(model: Model) -> tuple[str, ...]:
    """The groups of extensions, as stages."""
    return tuple(f"{PREFIX}{name}" for name in groups_of(model))


def halved(key: str) -> tuple[str, str]:
    """ "Size-1" -> "Size", "1"; other keys have no half."""
    name, dash, half = key.rpartition("-")
    return (name, half) if dash and half in ("1", "2") else (key, "")
