"""How well a checkpoint does what a prompt says, in numbers, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_OFTEN = 0.9


@dataclass(frozen=True, slots=True)
class Obeyed:
    """Of some pictures; shares in 0..1, None where no prompt names such a thing."""

    cases: int
    objects: float | None
    """The nearest of all concepts is the one that was asked for."""
    styles: float | None
    colours: float | None
    """Of those whose prompt has a colour for the thing: most of the thing has it."""
    backgrounds: float | None
    """Of those whose prompt has one that is not white."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything; shares in 0..1. None is what was not measured, or cannot be of true pictures."""

    everything: Obeyed
    first: Obeyed
    """Of the first 24 objects, which an older checkpoint knows too."""
    held_out: Obeyed
    """Of combinations that training never sees."""
    by_object: dict[str, float]
    by_colour: dict[str, float]
    by_background: dict[str, float]
    likeness: float | None
    """Mean cosine of features, with the mean picture of the object and style asked for; 1 is as like as can be."""
    named: float | None
    """Mean distance of a background from the named colour, in CIELAB."""
    white: float | None
    """Where the prompt names no background: its mean distance from white, in CIELAB."""
    tinted: float | None
    """Share of these of which one can see it."""
    colourfulness: float | None
    """Chroma against that of true pictures: 1 is right, more is too much."""
    colourfulness_strong: float | None
    """At CFG 6."""
    strong_objects: float | None
    two: float | None
    """Of "a cat and a dog" both are there."""
    plurals: float | None
    """Of "two cats" each is there."""
    sizes: float | None
    """Pictures of 192x128, 128x192 and 192x192: the object is right, and there once, in its own shape."""
    not_colour: float | None
    """A negative "yellow" for a banana: clearly less of it."""
    not_style: float | None
    """A negative "3d style": what was 3d without it is so no more."""
    not_background: float | None
    """A negative "white background": what was white without it is clearly not."""
    negative_objects: float | None
    """With any of these negative prompts the object is still right."""
    img2img: float | None
    """Another background or style for a given picture: that and the object are right."""
    layout: float | None
    """Another background for a thing that is not in the middle: it stays where it is."""
    repaired: float | None
    """Inpainting of the middle: the object is right, and what is not masked is unchanged."""
    replaced: float | None
    """Inpainting of another object: it is there, and the background is what it was."""
    vae_psnr: float | None = None
    """Of scenes kept from training, in dB."""
    vae_objects: float | None = None
    """Of true pictures that went through the VAE: how much of the measure its softness costs."""
    vae_styles: float | None = None
    seconds: float | None = None
    """A picture on two cores."""


def share(values: Sequence[bool]) -> float | None:
    """How many are true, of all; None of nothing."""
    return sum(values) / len(values) if values else None


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return sum(values) / len(values) if values else None


def table(columns: Mapping[str, Measured]) -> str:
    """Markdown; a column for each, under its name."""
    lines = [["", *columns], ["---", *("---:" for _ in columns)]]
    lines += [[label, *(show(measured) for measured in columns.values())] for label, show in _rows()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _rows() -> list[tuple[str, Callable[[Measured], str]]]:
    return [
        ("pictures of one thing at 128x128", lambda m: str(m.everything.cases)),
        ("object right", lambda m: _percent(m.everything.objects)),
        ("style right", lambda m: _percent(m.everything.styles)),
        ("object has the named colour", lambda m: _percent(m.everything.colours)),
        ("background has the named colour", lambda m: _percent(m.everything.backgrounds)),
        ("first 24 objects: object right", lambda m: _percent(m.first.objects)),
        ("first 24 objects: style right", lambda m: _percent(m.first.styles)),
        ("first 24 objects: object has the named colour", lambda m: _percent(m.first.colours)),
        ("first 24 objects: background has the named colour", lambda m: _percent(m.first.backgrounds)),
        ("never trained on: object right", lambda m: _percent(m.held_out.objects)),
        ("never trained on: style right", lambda m: _percent(m.held_out.styles)),
        ("never trained on: object has the named colour", lambda m: _percent(m.held_out.colours)),
        ("never trained on: background has the named colour", lambda m: _percent(m.held_out.backgrounds)),
        ("objects right nine times of ten", lambda m: _often(m.by_object)),
        ("worst named colour of an object", lambda m: _worst(m.by_colour)),
        ("worst named background", lambda m: _worst(m.by_background)),
        ("likeness to the data's pictures (1: the same)", lambda m: _number(m.likeness, 2)),
        ("background named: distance from its colour (CIELAB)", lambda m: _number(m.named, 1)),
        ("no background named: distance from white (CIELAB)", lambda m: _number(m.white, 1)),
        ("no background named: visibly tinted", lambda m: _percent(m.tinted)),
        ("colourfulness against the data, CFG 5 (1: the same)", lambda m: _number(m.colourfulness, 2)),
        ("colourfulness against the data, CFG 6", lambda m: _number(m.colourfulness_strong, 2)),
        ("CFG 6: object right", lambda m: _percent(m.strong_objects)),
        ("two different objects: both right", lambda m: _percent(m.two)),
        ("two or three of an object: each right", lambda m: _percent(m.plurals)),
        ("192x128, 128x192, 192x192: object right, and one of it", lambda m: _percent(m.sizes)),
        ("negative prompt, the object's own colour: clearly less of it", lambda m: _percent(m.not_colour)),
        ('negative prompt "3d style": another style', lambda m: _percent(m.not_style)),
        ('negative prompt "white background": not white', lambda m: _percent(m.not_background)),
        ("with negative prompts: object right", lambda m: _percent(m.negative_objects)),
        ("img2img 0.75: object and the new background or style right", lambda m: _percent(m.img2img)),
        ("img2img 0.75: object stays in its place", lambda m: _percent(m.layout)),
        ("inpainting of a hole: object right, the rest unchanged", lambda m: _percent(m.repaired)),
        ("inpainting of another object: right, background kept", lambda m: _percent(m.replaced)),
        ("VAE: PSNR of pictures kept from training", lambda m: _number(m.vae_psnr, 1, " dB")),
        ("VAE: object right in the data's pictures through it", lambda m: _percent(m.vae_objects)),
        ("VAE: style right in the data's pictures through it", lambda m: _percent(m.vae_styles)),
        ("seconds a picture, two cores", lambda m: _number(m.seconds, 2, " s")),
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def _often(shares: Mapping[str, float]) -> str:
    return f"{sum(value >= _OFTEN for value in shares.values())} of {len(shares)}"


def _worst(shares: Mapping[str, float]) -> str:
    name = min(shares, key=lambda name: shares[name], default="")
    return f"{name} {_percent(shares[name])}" if name else "-"
