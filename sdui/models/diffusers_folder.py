"""A folder in the layout of diffusers' pipelines, shown as if it were one single-file checkpoint.

Nothing is converted: its tensors get the names of the single-file layout, and where that stacks three of them (query,
key and value of OpenCLIP) or turns one (its projection), the place says so. Families, adapters, merging and hashing
know only that layout.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sdui.core.errors import ModelFileError

from .contents import Contents, Place, Version
from .ldm_names import unet_names, vae_names
from .open_clip import LAYER, LAYER_NAMES, NAMES
from .tensor_files import read_tensor_file

Places = dict[str, Place]
_TEXT_PARTS = ("text_encoder", "text_encoder_2")
_PARTS = ("unet", "vae", *_TEXT_PARTS)
_OPEN_CLIP_NAMES = {theirs: ours for ours, theirs in NAMES.items()}
_OPEN_CLIP_LAYER = {theirs: ours for ours, theirs in LAYER_NAMES.items()}


def read_folder(path: Path) -> Contents:
    """Raises ModelFileError, naming the folder or the file in it."""
    if not _files_of(path / "unet"):
        kind = str(_json(path / "model_index.json").get("_class_name", ""))
        raise ModelFileError(
            f"{path} is a folder {f'of a {kind}, which sdui cannot use' if kind else 'that is no model'}: "
            "it has no unet/ with weights. Take a Stable Diffusion model, complete with its folders."
        )
    versions: dict[Path, Version] = {}
    unet, vae, text, text_2 = (_part(path / part, versions) for part in _PARTS)
    places: Places = {f"model.diffusion_model.{name}": place for name, place in _renamed(unet, unet_names(unet))}
    places |= {f"first_stage_model.{name}": _convolution(name, place) for name, place in _renamed(vae, vae_names(vae))}
    if text_2:
        if text:
            places |= {f"conditioner.embedders.0.transformer.text_model.{name}": text[name] for name in text}
        embedder = f"conditioner.embedders.{1 if text else 0}.model"
        places |= {f"{embedder}.{name}": place for name, place in _open_clip(path, text_2)}
    elif _has_open_clip(unet):
        places |= {f"cond_stage_model.model.{name}": at for name, at in _open_clip(path, _with_last_layer(text))}
    else:
        places |= {f"cond_stage_model.transformer.text_model.{name}": text[name] for name in text}
    return Contents(places | _flags(path), {}, versions)


def _files_of(part: Path) -> tuple[Path, ...]:
    """.safetensors before pickles, full precision before variants; all shards of one set."""
    for ending in (".safetensors", ".bin"):
        indices = sorted(part.glob(f"*{ending}.index*.json"), key=lambda file: len(file.name))
        if indices:
            return _shards(indices[0])
        single = sorted(part.glob(f"*{ending}"), key=lambda file: ("ema" in file.name, len(file.name), file.name))
        if single:
            return (single[0],)
    return ()


def _shards(index: Path) -> tuple[Path, ...]:
    names = {str(name) for name in _json(index).get("weight_map", {}).values()}
    files = tuple(index.parent / name for name in sorted(names))
    for file in files:
        if file.parent != index.parent or not file.is_file():
            raise ModelFileError(f"{index.parent} is incomplete: {file.name} is missing in it. Download it again.")
    return files


def _part(part: Path, versions: dict[Path, Version]) -> Places:
    """The tensors of a network under diffusers' names, "text_model." left out."""
    places: Places = {}
    for file in _files_of(part):
        contents = read_tensor_file(file)
        if contents.at_once:
            raise ModelFileError(f"{file} is in PyTorch's format of before 2020. Convert it to .safetensors.")
        places |= {name.removeprefix("text_model."): place for name, place in contents.places.items()}
        versions |= contents.versions
    return places


def _renamed(places: Places, names: dict[str, str]) -> Iterator[tuple[str, Place]]:
    return ((names[name], place) for name, place in places.items())


def _convolution(name: str, place: Place) -> Place:
    """The VAE's attention: linear here, a convolution of 1x1 there."""
    is_linear = ".attn_" in name and name.endswith(".weight") and len(place.shape) == 2
    return replace(place, shape=(*place.shape, 1, 1)) if is_linear else place


def _has_open_clip(unet: Places) -> bool:
    """Stable Diffusion 2: it alone of those with one text encoder has linear projections around its attention."""
    projection = next((place for name, place in unet.items() if name.endswith("attentions.0.proj_in.weight")), None)
    return projection is not None and len(projection.shape) == 2


def _with_last_layer(text: Places) -> Places:
    """Diffusers leaves out the text encoder's last layer, which Stable Diffusion 2 does not use but others count on.

    The last one there is given twice.
    """
    layers = [int(match[1]) for name in text if (match := re.match(r"encoder\.layers\.(\d+)\.", name))]
    last = f"encoder.layers.{max(layers, default=0)}."
    following = f"encoder.layers.{max(layers, default=0) + 1}."
    return text | {name.replace(last, following): place for name, place in text.items() if name.startswith(last)}


def _open_clip(path: Path, text: Places) -> Iterator[tuple[str, Place]]:
    """transformers' names -> OpenCLIP's."""
    for name, place in text.items():
        layer = re.match(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if name in _OPEN_CLIP_NAMES:
            yield _OPEN_CLIP_NAMES[name], place
        elif name == "text_projection.weight":
            yield "text_projection", replace(place, shape=place.shape[::-1], strides=(1, place.shape[1]))
        elif layer and layer[2] == "self_attn.q_proj":
            thirds = [text.get(name.replace("q_proj", f"{which}_proj")) for which in "qkv"]
            yield f"{LAYER}{layer[1]}.attn.in_proj_{layer[3]}", _stacked(path, name, thirds)
        elif layer and layer[2] not in ("self_attn.k_proj", "self_attn.v_proj"):
            yield f"{LAYER}{layer[1]}.{_OPEN_CLIP_LAYER.get(layer[2], layer[2])}.{layer[3]}", place


def _stacked(path: Path, name: str, thirds: list[Place | None]) -> Place:
    """One above the other: that is their bytes, one after the other."""
    query, *others = thirds
    if query is None or any(o is None or (o.dtype, o.shape) != (query.dtype, query.shape) for o in others):
        raise ModelFileError(f"{path} is damaged: {name} in its text encoder does not go with its key and value.")
    parts = tuple(part for third in thirds if third for part in third.parts)
    return replace(query, shape=(3 * query.shape[0], *query.shape[1:]), parts=parts)


def _flags(path: Path) -> Places:
    """What a single file says through empty tensors."""
    schedule = _json(path / "scheduler" / "scheduler_config.json")
    flags = {
        "v_pred": schedule.get("prediction_type") == "v_prediction",
        "ztsnr": schedule.get("rescale_betas_zero_snr") is True,
    }
    return {name: Place("F32", (0,), ()) for name, is_set in flags.items() if is_set}


def _json(path: Path) -> dict[str, Any]:
    """{} when it is not there. Raises ModelFileError when it is no JSON."""
    if not path.is_file():
        return {}
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} cannot be read. Download it again.") from error
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}
