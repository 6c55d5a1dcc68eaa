"""The axes: A1111's, in its order, and one for every parameter of the other extensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

from pydantic import ValidationError

from sdui.core import old_files
from sdui.core.errors import RequestError
from sdui.core.groups import KINDS, PREFIX, Extended, Kind, groups_of, having, parameters, without
from sdui.core.params import Declared, changed, explain
from sdui.core.request import GenerationRequest
from sdui.core.stages import Refiner

NOTHING = "Nothing"
SEEDS = ("Seed", "Var. seed")
"""Axes on which -1 means a new seed."""
Type = Literal["int", "float", "str", "permutations"]
Value = Any
"""int, float, str, or a tuple of words to be put in this order."""
Apply = Callable[[GenerationRequest, Value, Sequence[Value]], GenerationRequest | None]
"""The request with a value; None where it has not what the axis is about. Raises RequestError, ValidationError."""

_BOOLS = ("False", "True")
_TXT2IMG: tuple[Kind, ...] = ("txt2img",)
_IMG2IMG: tuple[Kind, ...] = ("img2img",)


@dataclass(frozen=True, slots=True)
class Axis:
    label: str
    type: Type
    apply: Apply
    kinds: tuple[Kind, ...] = KINDS
    cost: float = 0.0
    """Above 0, a change takes long: the loop over this axis is an outer one. 1 is another checkpoint."""
    choices: str | tuple[str, ...] = ()
    """A list of the `Catalog`, or the values themselves."""
    named: bool = True
    """The legend has the label before the value."""
    old: bool = True
    """A1111 1.8 counts it when an axis is given by number."""

    def legend(self, value: Value) -> str:
        if self.label == NOTHING:
            return ""
        if self.type == "permutations":
            return ", ".join(value)
        shown = round(value, 8) if isinstance(value, float) else value
        if self.choices == "checkpoints":
            return PurePath(str(shown)).name
        return f"{self.label}: {shown}" if self.named else str(shown)

    def applied(self, request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
        """Raises RequestError, naming the axis."""
        try:
            return self.apply(request, value, values)
        except ValidationError as error:
            names = {".".join(map(str, problem["loc"])): self.label for problem in error.errors()}
            raise RequestError(explain(error, type(request), names)) from error


def axes_of(request: type[Extended]) -> list[Axis]:
    """With those of the extensions whose parameters the requests have."""
    return [*_builtin(), *_of_extensions(request)]


def axis_named(label: str, request: type[Extended], kind: Kind) -> Axis:
    """Raises RequestError, with the axes that there are."""
    there = [axis for axis in axes_of(request) if kind in axis.kinds]
    found = next((axis for axis in there if axis.label.casefold() == label.casefold()), None)
    if found is None:
        raise RequestError(f"X/Y/Z plot: there is no axis {label!r}; known are {', '.join(a.label for a in there)}.")
    return found


def _at(*paths: str) -> Apply:
    """The same value at each of the paths."""

    def apply(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
        made: GenerationRequest | None = request
        for path in paths:
            made = None if made is None else changed(made, path, value)
        return made

    return apply


def _nothing(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest:
    return request


def _search_replace(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest:
    first = str(values[0])
    if first not in request.prompt and first not in request.negative_prompt:
        raise RequestError(f"Prompt S/R: {first!r} is neither in the prompt nor in the negative prompt.")
    texts = {name: getattr(request, name).replace(first, str(value)) for name in ("prompt", "negative_prompt")}
    return request.model_copy(update=texts)


def _order(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest:
    """The words stay where they are, but change places among each other."""
    missing = [word for word in value if word not in request.prompt]
    if missing:
        raise RequestError(f"Prompt order: {missing[0]!r} is not in the prompt.")
    rest, made = request.prompt, ""
    for place, word in enumerate(sorted(value, key=request.prompt.find)):
        before, _, rest = rest.partition(word)
        made += before + value[place]
    return request.model_copy(update={"prompt": made + rest})


def _sampler(prefix: str) -> Apply:
    """Its name may have a schedule in it, as before A1111 1.9."""

    def apply(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
        sampler, schedule = old_files.names(str(value), "", old=False)
        made = changed(request, f"{prefix}sampler", sampler)
        return changed(made, f"{prefix}schedule", schedule) if made and old_files.schedule_in(str(value)) else made

    return apply


def _eta(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    ddim = request.sampler.casefold().startswith(("ddim", "plms"))
    return changed(request, "sampling.eta_ddim" if ddim else "sampling.eta_ancestral", value)


def _schedule(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    return changed(request, "schedule", old_files.names("", str(value), old=False).schedule)


def _denoising(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    stage = "init" if request.init else "hires"
    return changed(request, f"{stage}.denoising_strength", value)


def _styles(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    names = tuple(name.strip() for name in str(value).split(",") if name.strip() and name != "None")
    return request.model_copy(update={"styles": (*request.styles, *names)})


def _unipc_order(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    return changed(request, "sampling.uni_pc_order", max(1, min(value, request.steps - 1)))


def _refiner(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest:
    if str(value).casefold() in ("", "none"):
        return request.model_copy(update={"refiner": None})
    refiner = Refiner(model=str(value)) if request.refiner is None else request.refiner
    return request.model_copy(update={"refiner": refiner.model_copy(update={"model": str(value)})})


def _size(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    width, cross, height = str(value).lower().replace("×", "x").partition("x")
    if not (cross and width.strip().isdecimal() and height.strip().isdecimal()):
        raise RequestError(f"Size: {value!r} is no size; 512x768 is one.")
    made = changed(request, "width", int(width))
    return made and changed(made, "height", int(height))


def _flag(path: str) -> Apply:
    set_to = _at(path)
    return lambda request, value, values: set_to(request, str(value).casefold() in ("true", "yes", "y", "1"), values)


def _builtin() -> list[Axis]:
    sampling = "sampling."
    return [
        Axis(NOTHING, "str", _nothing),
        Axis("Seed", "int", _at("seed")),
        Axis("Var. seed", "int", _at("subseed")),
        Axis("Var. strength", "float", _at("subseed_strength")),
        Axis("Steps", "int", _at("steps")),
        Axis("Hires steps", "int", _at("hires.steps"), _TXT2IMG),
        Axis("CFG Scale", "float", _at("cfg_scale")),
        Axis("Image CFG Scale", "float", _at("image_cfg_scale"), _IMG2IMG),
        Axis("Prompt S/R", "str", _search_replace, named=False),
        Axis("Prompt order", "permutations", _order, named=False),
        Axis("Sampler", "str", _sampler(""), choices="samplers", named=False),
        Axis("Hires sampler", "str", _sampler("hires."), _TXT2IMG, choices="samplers"),
        Axis("Checkpoint name", "str", _checkpoint, cost=1.0, choices="checkpoints", named=False),
        Axis("Negative Guidance minimum sigma", "float", _at("guidance.s_min_uncond")),
        Axis("Sigma Churn", "float", _at(f"{sampling}s_churn")),
        Axis("Sigma min", "float", _at(f"{sampling}s_tmin")),
        Axis("Sigma max", "float", _at(f"{sampling}s_tmax")),
        Axis("Sigma noise", "float", _at(f"{sampling}s_noise")),
        Axis("Schedule type", "str", _schedule, choices="schedules"),
        Axis("Schedule min sigma", "float", _at(f"{sampling}sigma_min")),
        Axis("Schedule max sigma", "float", _at(f"{sampling}sigma_max")),
        Axis("Schedule rho", "float", _at(f"{sampling}rho")),
        Axis("Eta", "float", _eta),
        Axis("Clip skip", "int", _at("clip_skip")),
        Axis("Denoising", "float", _denoising),
        Axis("Initial noise multiplier", "float", _at("init.initial_noise_multiplier")),
        Axis("Extra noise", "float", _at("img2img_extra_noise")),
        Axis("Hires upscaler", "str", _at("hires.upscaler"), _TXT2IMG, choices="hires_upscalers"),
        Axis("Cond. Image Mask Weight", "float", _at("inpainting_mask_weight"), _IMG2IMG),
        Axis("VAE", "str", _at("vae"), cost=0.7, choices="vaes"),
        Axis("Styles", "str", _styles),
        Axis("UniPC Order", "int", _unipc_order, cost=0.5),
        Axis("Face restore", "str", _face_restore, named=False),
        Axis("Token merging ratio", "float", _at("token_merging_ratio")),
        Axis("Token merging ratio high-res", "float", _at("hires.token_merging_ratio")),
        Axis(
            "Always discard next-to-last sigma",
            "str",
            _flag(f"{sampling}always_discard_next_to_last_sigma"),
            choices=_BOOLS,
        ),
        Axis("SGM noise multiplier", "str", _flag(f"{sampling}sgm_noise_multiplier"), choices=_BOOLS),
        Axis("Refiner checkpoint", "str", _refiner, cost=1.0, choices="checkpoints", named=False),
        Axis("Refiner switch at", "float", _at("refiner.switch_at")),
        Axis("RNG source", "str", _at("randn_source"), choices=("GPU", "CPU", "NV")),
        Axis("Size", "str", _size, old=False),
        Axis("Beta schedule alpha", "float", _at(f"{sampling}beta_dist_alpha"), old=False),
        Axis("Beta schedule beta", "float", _at(f"{sampling}beta_dist_beta"), old=False),
    ]


def _checkpoint(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest:
    return request.model_copy(update={"model": str(value), "model_hash": ""})


def _face_restore(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
    """A network's name, or whether at all."""
    group = groups_of(type(request)).get("restore_faces")
    if group is None:
        return None
    wanted, names = str(value).casefold(), {"codeformer": "CodeFormer", "gfpgan": "GFPGAN"}
    if wanted in names:
        return having(request, group.model_validate({"model": names[wanted]}))
    on = wanted in ("true", "yes", "y", "1")
    return having(request, group()) if on else without(request, group)


def _of_extensions(request: type[Extended]) -> Iterator[Axis]:
    for group in groups_of(request).values():
        if group.place == "always":
            yield from (_declared(f"[{group.title}] {d.param.label}", d) for d in parameters(group))


def _declared(label: str, d: Declared) -> Axis:
    """The axis of one declared parameter; it switches its group on."""
    name = d.path.removeprefix(PREFIX).partition(".")[0]

    def apply(request: GenerationRequest, value: Value, values: Sequence[Value]) -> GenerationRequest | None:
        if getattr(request.extensions, name) is None:
            request = having(request, groups_of(type(request))[name]())
        return changed(request, d.path, value)

    kind = d.field.annotation
    if kind is bool:
        return Axis(label, "str", apply, choices=_BOOLS, old=False)
    types: dict[Any, Type] = {int: "int", float: "float"}
    return Axis(label, types.get(kind, "str"), apply, choices=d.param.choices, old=False)
