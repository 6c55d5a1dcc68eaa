"""Pictures of NovelAI, made here as it makes them, say how to draw them again."""

from __future__ import annotations

import gzip
import io
import json

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.core import infotext
from sdui.imaging.file_formats import read_infotext, read_texts
from sdui.imaging.novelai import _SAMPLERS, _SCHEDULES, emphasised
from sdui.sampling.registry import builtin
from sdui.sampling.schedules import find_schedule

COMMENT = {
    "steps": 28,
    "sampler": "k_euler_ancestral",
    "seed": 4028746890,
    "strength": 0.69,
    "noise": 0.2,
    "scale": 11.0,
    "uc": "lowres, [text]",
}
TEXTS = {
    "Title": "AI generated image",
    "Description": "a {{cat}}, [grass] (wide)",
    "Software": "NovelAI",
    "Source": "Stable Diffusion 81274D13",
    "Comment": json.dumps(COMMENT),
}


def png(texts: dict[str, str], image: Image.Image | None = None) -> bytes:
    chunks, target = PngInfo(), io.BytesIO()
    for name, text in texts.items():
        chunks.add_text(name, text)
    (image or Image.new("RGB", (64, 96))).save(target, "PNG", pnginfo=chunks)
    return target.getvalue()


def hidden(payload: bytes) -> Image.Image:
    """A picture with this in the lowest bits of its alpha, column by column."""
    data = b"stealth_pngcomp" + (8 * len(payload)).to_bytes(4, "big") + payload
    alpha = np.full(64 * 96, 255, np.uint8)
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    alpha[: bits.size] = 254 | bits
    pixels = np.zeros((96, 64, 4), np.uint8)
    pixels[..., 3] = alpha.reshape(64, 96).T
    return Image.fromarray(pixels)


def test_a_picture_gets_what_a1111_reads_from_it():
    request = infotext.read(read_infotext(png(TEXTS)))
    assert request.prompt == r"a (cat:1.1025), (grass:0.9524) \(wide\)"
    assert request.negative_prompt == "lowres, (text:0.9524)"
    assert (request.steps, request.sampler, request.cfg_scale, request.seed) == (28, "Euler a", 11, 4028746890)
    assert (request.width, request.height, request.clip_skip, request.eta_noise_seed_delta) == (64, 96, 2, 31337)


def test_the_rest_is_told_of():
    texts = read_texts(png(TEXTS))
    assert texts.program == "NovelAI"
    assert texts.others == TEXTS
    assert any("weights" in remark for remark in texts.remarks)
    assert any("made from another picture" in remark for remark in texts.remarks)


def test_what_has_no_counterpart_is_said():
    comment = COMMENT | {
        "sampler": "k_dreams",
        "cfg_rescale": 0.4,
        "noise_schedule": "karras",
        "v4_prompt": {"caption": {"base_caption": "a", "char_captions": [{"char_caption": "girl"}]}},
    }
    texts = read_texts(png(TEXTS | {"Comment": json.dumps(comment)}))
    assert "Sampler: Euler a, Schedule type: Karras" in texts.infotext
    said = " ".join(texts.remarks)
    assert "'k_dreams'" in said and "rescaling" in said and "each character" in said


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("a cat", "a cat"),
        ("{a}, b", "(a:1.05), b"),
        ("{{a}} ", "(a:1.1025) "),
        ("[a]", "(a:0.9524)"),
        ("{a [b]}", "(a:1.05) b"),
        ("1.5::rain, night::, sun", "(rain, night:1.5), sun"),
        ("-1::hat::", "(hat:-1)"),
        ("{never closed", "(never closed:1.05)"),
        ("closed} too often", "closed too often"),
        (r"sabre \(fate\) (x)", r"sabre \(fate\) \(x\)"),
        ("{, }", ", "),
    ],
)
def test_emphasis(theirs, ours):
    assert emphasised(theirs) == ours


def test_hidden_texts_are_found_when_the_others_are_gone():
    image = hidden(gzip.compress(json.dumps(TEXTS).encode()))
    assert read_infotext(png({}, image)) == read_infotext(png(TEXTS))


def test_a_hidden_infotext_is_read():
    assert read_infotext(png({}, hidden(gzip.compress(b"a cat\nSteps: 3", mtime=0)))) == "a cat\nSteps: 3"


@pytest.mark.parametrize(
    "payload", [b"", b"no gzip", gzip.compress(b"\xff\xfe", mtime=0), gzip.compress(b"x" * 100, mtime=0)[:-20]]
)
def test_hidden_nonsense_is_no_infotext(payload):
    assert isinstance(read_infotext(png({}, hidden(payload))), str)


@pytest.mark.parametrize("comment", ["", "{", "[]", '"x"', '{"steps": {}, "uc": 3}'])
def test_a_broken_comment_is_no_error(comment):
    assert isinstance(read_infotext(png(TEXTS | {"Comment": comment})), str)


def test_every_name_is_one_of_ours():
    registry = builtin()
    assert {registry[name].name for name in _SAMPLERS.values()} == set(_SAMPLERS.values())
    assert [find_schedule(name) for name in _SCHEDULES.values()] == list(_SCHEDULES.values())
