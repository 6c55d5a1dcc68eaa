"""What NovelAI writes into its pictures, as A1111's infotext."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any, NamedTuple, cast

import numpy as np
from PIL import Image

from sdui.core.pairs import compose

SOFTWARE = "NovelAI"
_SAMPLERS = {
    "k_euler": "Euler",
    "k_euler_ancestral": "Euler a",
    "k_lms": "LMS",
    "k_heun": "Heun",
    "k_dpm_2": "DPM2",
    "k_dpm_2_ancestral": "DPM2 a",
    "k_dpm_fast": "DPM fast",
    "k_dpm_adaptive": "DPM adaptive",
    "k_dpmpp_2m": "DPM++ 2M",
    "k_dpmpp_2m_sde": "DPM++ 2M SDE",
    "k_dpmpp_2s_ancestral": "DPM++ 2S a",
    "k_dpmpp_3m_sde": "DPM++ 3M SDE",
    "k_dpmpp_sde": "DPM++ SDE",
    "ddim": "DDIM",
    "ddim_v3": "DDIM",
    "plms": "PLMS",
}
_SCHEDULES = {"karras": "Karras", "exponential": "Exponential", "polyexponential": "Polyexponential"}
_LIKE_A1111 = {"Clip skip": 2, "ENSD": 31337}
"""A1111 gives every picture of NovelAI these."""
_UNUSED = {
    "cfg_rescale": "the rescaling of the guidance",
    "sm": "SMEA",
    "sm_dyn": "dynamic SMEA",
    "dynamic_thresholding": "dynamic thresholding",
    "reference_strength_multiple": "reference pictures",
}
_BRACE = 1.05
_MARK = re.compile(r"([{}\[\]]|-?\d+(?:\.\d+)?::|-?\.\d+::|::)")
_STEALTH = b"stealth_pngcomp"
_LARGEST_STEALTH = 2**22
"""Bytes of text; a small picture could hold a packed text that is far larger."""


class Read(NamedTuple):
    infotext: str
    remarks: tuple[str, ...]


def read(texts: dict[str, str], size: tuple[int, int]) -> Read | None:
    """`texts` are the file's, by name; size: width and height. None where they are not NovelAI's.

    The text has what A1111 makes of it, and the schedule. A1111 leaves NovelAI's emphasis as it stands, which means
    something else there; here it becomes weights.
    """
    if texts.get("Software") != SOFTWARE:
        return None
    said = _object(texts.get("Comment", ""))
    if said is None:
        return None
    prompt, negative = (_words(said, key) for key in ("prompt", "uc"))
    prompt = texts.get("Description") or prompt
    sampler = str(said.get("sampler", ""))
    pairs: dict[str, Any] = {
        "Steps": said.get("steps"),
        "Sampler": _SAMPLERS.get(sampler, "Euler a"),
        "Schedule type": _SCHEDULES.get(str(said.get("noise_schedule"))),
        "CFG scale": said.get("scale"),
        "Seed": said.get("seed"),
        "Size": "{}x{}".format(*size),
    }
    known = {key: value for key, value in pairs.items() if isinstance(value, str | int | float)}
    return Read(compose(emphasised(prompt), emphasised(negative), known | _LIKE_A1111), _remarks(said, sampler, prompt))


def emphasised(text: str) -> str:
    """NovelAI's emphasis in A1111's way: "{{a}}, [b], 1.5::c::" -> "(a:1.1025), (b:0.9524), (c:1.5)".

    Round brackets are plain letters there.
    """
    written: list[str] = []
    up, down, factor = 0, 0, 1.0
    for part in _MARK.split(text):
        match part:
            case "{":
                up += 1
            case "}":
                up = max(0, up - 1)
            case "[":
                down += 1
            case "]":
                down = max(0, down - 1)
            case "::":
                factor = 1.0
            case _ if _MARK.fullmatch(part):
                factor = float(part.removesuffix("::"))
            case _:
                written.append(_weighted(part, factor * _BRACE ** (up - down)))
    return "".join(written)


def hidden_texts(image: Image.Image) -> dict[str, str]:
    """Texts in the lowest bits of the picture's transparency, column by column, where some sites do not remove them.

    A packed text after its length in bits (https://github.com/NovelAI/novelai-image-metadata): NovelAI's chunks as
    JSON, or, as programs like A1111 write it, an infotext. Empty where there is none.
    """
    if "A" not in image.getbands():
        return {}
    bits = (np.asarray(image.getchannel("A")).T & 1).ravel()
    begin = 8 * len(_STEALTH)
    if np.packbits(bits[:begin]).tobytes() != _STEALTH:
        return {}
    length = int.from_bytes(np.packbits(bits[begin : begin + 32]).tobytes(), "big")
    packed = np.packbits(bits[begin + 32 : begin + 32 + length]).tobytes()
    try:
        text = zlib.decompressobj(wbits=31).decompress(packed, _LARGEST_STEALTH).decode()
    except (zlib.error, UnicodeDecodeError):
        return {}
    said = _object(text)
    return {"parameters": text} if said is None else {key: str(value) for key, value in said.items()}


def _weighted(text: str, weight: float) -> str:
    text = re.sub(r"(?<!\\)([()])", r"\\\1", text)
    bare = text.strip(" ,\n")
    if not bare or abs(weight - 1) < 1e-6:
        return text
    before, after = text.split(bare, 1)
    return f"{before}({bare}:{round(weight, 4):g}){after}"


def _words(said: dict[str, Any], key: str) -> str:
    text = said.get(key)
    return text if isinstance(text, str) else ""


def _remarks(said: dict[str, Any], sampler: str, prompt: str) -> tuple[str, ...]:
    remarks: list[str] = []
    if sampler not in _SAMPLERS:
        remarks.append(f"There is no sampler {sampler!r} here; Euler a stands for it, as in A1111.")
    if _MARK.search(prompt):
        remarks.append("NovelAI's {braces}, [brackets] and 1.5::numbers:: became weights.")
    if _characters(said):
        remarks.append("What each character was to look like has no counterpart here and was left out.")
    if unused := [words for key, words in _UNUSED.items() if said.get(key)]:
        remarks.append(f"What has no counterpart here was left out: {', '.join(unused)}.")
    if isinstance(said.get("strength"), int | float):
        remarks.append("The picture may have been made from another picture, which is not in the file.")
    return tuple(remarks)


def _characters(said: dict[str, Any]) -> bool:
    """Whether there are prompts of single characters beside the main one."""
    node: Any = said.get("v4_prompt")
    for key in ("caption", "char_captions"):
        node = cast("dict[str, Any]", node).get(key) if isinstance(node, dict) else None
    return bool(node)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
