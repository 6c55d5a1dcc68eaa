"""The graph that ComfyUI writes into its pictures, followed from what was saved back to A1111's infotext."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple, cast

from sdui.core.pairs import compose

_SAMPLERS = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "heunpp2": "HeunPP2",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "ddpm": "DDPM",
    "lcm": "LCM",
    "ipndm": "IPNDM",
    "ipndm_v": "IPNDM_V",
    "deis": "DEIS",
    "ddim": "DDIM",
    "uni_pc": "UniPC",
    "uni_pc_bh2": "UniPC",
}
_SCHEDULES = {
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "ddim_uniform": "DDIM",
    "beta": "Beta",
    "linear_quadratic": "Linear Quadratic",
    "kl_optimal": "KL Optimal",
}
_KSAMPLERS = ("KSampler", "KSamplerAdvanced")
_SAVERS = ("SaveImage", "PreviewImage")
_VALUES = ("value", "int", "float", "string", "text", "seed", "noise_seed", "number")
"""What nodes that only hold a value call it."""
_WAYS = {
    "model": ("model",),
    "clip": ("clip",),
    "latent": ("samples", "latent_image", "latent", "pixels", "image", "images"),
}
"""By what is followed, the inputs through which a node that changes it has got it."""
_LOADERS = {"ckpt_name", "unet_name"}
_SILENT = {"LoraLoader", "LoraLoaderModelOnly", "CLIPSetLastLayer"}
_DEEPEST = 200
"""Nodes in a row; the files are not trusted to have no circle."""

_NO_SAMPLER = "ComfyUI's workflow in this file has no KSampler whose settings could be read."
_ONLY_EDITOR = "This file has ComfyUI's workflow for its editor only, not what was run; open it there."


class Read(NamedTuple):
    infotext: str
    """"" where nothing of the graph maps."""
    remarks: tuple[str, ...]


class _Node(NamedTuple):
    kind: str
    inputs: dict[str, Any]


def read(texts: dict[str, str]) -> Read | None:
    """`texts` are the file's, by name. None where there is nothing of ComfyUI; what does not map is in the remarks."""
    graph = _graph(texts.get("prompt", ""))
    if not graph:
        return Read("", (_ONLY_EDITOR,)) if _is_editors(texts.get("workflow", "")) else None
    return _Reader(graph).read()


class _Reader:
    def __init__(self, graph: dict[str, _Node]) -> None:
        self._graph = graph
        self._remarks: list[str] = []

    def read(self) -> Read:
        samplers = self._samplers()
        if not samplers:
            return Read("", (_NO_SAMPLER,))
        first, last = samplers[-1], samplers[0]
        if len(samplers) > 1:
            self._say(f"{len(samplers)} samplers follow one another; what stands here is the first's.")
        prompt, negative = (self._prompt(first.inputs.get(side), side) for side in ("positive", "negative"))
        loras, checkpoint = self._model(first)
        pairs = self._sampling(first) | self._start(first)
        pairs |= {"Model": checkpoint, "VAE": self._vae(last), "Clip skip": self._clip_skip(first)}
        # Where its noise comes from, on every machine.
        pairs["RNG"] = "CPU"
        said = {key: value for key, value in pairs.items() if value not in (None, "")}
        return Read(compose(" ".join(filter(None, (prompt, *loras))), negative, said), tuple(self._remarks))

    def _samplers(self) -> list[_Node]:
        """Those on the way to what was saved, the last first."""
        savers = [node for node in self._graph.values() if node.kind in _SAVERS]
        for saver in savers:
            way = self._way(saver.inputs.get("images"), "latent")
            if found := [node for node in way if node.kind in _KSAMPLERS]:
                return found
        return [node for node in self._graph.values() if node.kind in _KSAMPLERS][:1]

    def _sampling(self, sampler: _Node) -> dict[str, Any]:
        name, schedule = (self._text(sampler.inputs.get(key)) for key in ("sampler_name", "scheduler"))
        inputs = sampler.inputs
        steps = self._number(inputs.get("steps"))
        first, last = (self._number(inputs.get(key)) for key in ("start_at_step", "end_at_step"))
        if first or (steps and last is not None and last < steps):
            self._say("Only some of the sampler's steps were done, which has no counterpart here.")
        return {
            "Steps": steps,
            "Sampler": self._translated(name.removesuffix("_gpu"), _SAMPLERS, "sampler"),
            "Schedule type": self._translated(schedule, _SCHEDULES, "scheduler"),
            "CFG scale": self._number(inputs.get("cfg")),
            "Seed": self._number(inputs.get("noise_seed", inputs.get("seed"))),
        }

    def _start(self, sampler: _Node) -> dict[str, Any]:
        """Size, and how much of a picture that it was made from was drawn anew."""
        way = self._way(sampler.inputs.get("latent_image"), "latent")
        for node in way:
            if "width" in node.inputs and "height" in node.inputs:
                sides = [self._number(node.inputs[side]) for side in ("width", "height")]
                if None not in sides:
                    return {"Size": "{}x{}".format(*sides)}
        denoise = self._number(sampler.inputs.get("denoise"))
        if any(node.kind.startswith("LoadImage") for node in way):
            self._say("The picture was made from another picture, which is not in the file.")
            return {"Denoising strength": denoise}
        return {}

    def _model(self, sampler: _Node) -> tuple[list[str], str]:
        """Tags of LoRAs in the order in which they were put on, and the checkpoint's name."""
        tags: list[str] = []
        for node in self._way(sampler.inputs.get("model"), "model"):
            if file := next((self._text(node.inputs[key]) for key in _LOADERS & node.inputs.keys()), ""):
                return tags[::-1], _stem(file)
            if "lora_name" in node.inputs and (name := _stem(self._text(node.inputs["lora_name"]))):
                tags.append(self._tag(name, node))
            elif node.kind not in _SILENT:
                self._say(f"{node.kind} changed the model, which has no counterpart here.")
        self._say("No checkpoint could be found in ComfyUI's workflow.")
        return tags[::-1], ""

    def _tag(self, name: str, node: _Node) -> str:
        model, clip = (self._number(node.inputs.get(key)) for key in ("strength_model", "strength_clip"))
        model = 1 if model is None else model
        clip = (0 if node.kind == "LoraLoaderModelOnly" else model) if clip is None else clip
        return f"<lora:{name}:{model}>" if clip == model else f"<lora:{name}:{clip}:{model}>"

    def _vae(self, sampler: _Node) -> str:
        """Of the node that decoded what this sampler made; "" for the checkpoint's own."""
        for decoder in self._graph.values():
            if decoder.kind.startswith("VAEDecode") and sampler in self._way(decoder.inputs.get("samples"), "latent"):
                loader = self._at(decoder.inputs.get("vae"))
                return self._text(loader.inputs.get("vae_name")) if loader else ""
        return ""

    def _clip_skip(self, sampler: _Node) -> int | None:
        encoder = next(
            (n for n in self._conditioning(sampler.inputs.get("positive"), "positive") if "clip" in n.inputs), None
        )
        for node in self._way(encoder.inputs["clip"], "clip") if encoder else ():
            layer = self._number(node.inputs.get("stop_at_clip_layer"))
            if isinstance(layer, int) and layer < 0:
                return -layer
        return None

    def _prompt(self, link: Any, side: str) -> str:
        texts: list[str] = []
        for node in self._conditioning(link, side):
            words = [self._text(node.inputs[key]) for key in ("text", "text_g", "text_l") if key in node.inputs]
            texts += [" ".join(dict.fromkeys(filter(None, words)))] if words else []
        if len(texts) > 1:
            self._say("Several prompts were combined, which is not the same here; they stand one after the other.")
        return re.sub(
            r"\bembedding:(\S+?)(?:\.(?:pt|safetensors|bin))?(?=[\s,:()]|$)", r"\1", ", ".join(filter(None, texts))
        )

    def _conditioning(self, link: Any, side: str) -> Iterator[_Node]:
        """The nodes that made text into what guides the sampler; others on the way are said to be passed over."""
        open_links, seen = [link], 0
        while open_links and seen < _DEEPEST:
            seen += 1
            node = self._at(open_links.pop(0))
            if node is None or node.kind == "ConditioningZeroOut":
                continue
            if node.kind.startswith("CLIPTextEncode"):
                yield node
                continue
            if not node.kind.startswith(("Conditioning", "Reroute")):
                self._say(f"{node.kind} changed what guides the picture, which has no counterpart here.")
            ways = [key for key in node.inputs if key.startswith("conditioning") or key in (side, "")]
            open_links += [node.inputs[key] for key in ways]

    def _way(self, link: Any, what: str) -> list[_Node]:
        """From a link back to where it begins."""
        way: list[_Node] = []
        while (node := self._at(link)) and len(way) < _DEEPEST:
            way.append(node)
            link = next((node.inputs[key] for key in (*_WAYS[what], "") if _is_link(node.inputs.get(key))), None)
        return way

    def _at(self, link: Any) -> _Node | None:
        return self._graph.get(str(link[0])) if _is_link(link) else None

    def _value(self, value: Any) -> Any:
        """What stands in a field, or in the node that it is linked to."""
        for _ in range(_DEEPEST):
            node = self._at(value)
            if node is None:
                break
            value = next((node.inputs[key] for key in _VALUES if key in node.inputs), None)
        return value

    def _text(self, value: Any) -> str:
        value = self._value(value)
        return value if isinstance(value, str) else ""

    def _number(self, value: Any) -> int | float | None:
        value = self._value(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            return None
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def _translated(self, name: str, names: dict[str, str], what: str) -> str:
        if name and name not in names:
            self._say(f"There is no {what} {name!r} here.")
        return names.get(name, "")

    def _say(self, remark: str) -> None:
        if remark not in self._remarks:
            self._remarks.append(remark)


def _graph(text: str) -> dict[str, _Node]:
    """Empty where the text is no graph of nodes."""
    given = _object(text)
    nodes: dict[str, _Node] = {}
    for name, node in given.items():
        if isinstance(node, dict):
            fields = cast("dict[str, Any]", node)
            kind, inputs = fields.get("class_type"), fields.get("inputs")
            if isinstance(kind, str) and isinstance(inputs, dict):
                nodes[name] = _Node(kind, cast("dict[str, Any]", inputs))
    return nodes


def _is_editors(text: str) -> bool:
    return isinstance(_object(text).get("nodes"), list)


def _object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", given) if isinstance(given, dict) else {}


def _is_link(value: Any) -> bool:
    """[name of a node, number of its output]."""
    return isinstance(value, list) and len(cast("list[Any]", value)) == 2 and isinstance(value[0], str | int)


def _stem(file: str) -> str:
    """A file's name as prompts and infotexts have it, without folder and ending."""
    return PurePosixPath(file.replace("\\", "/")).stem
