"""File names: A1111's own results, and no prompt or pattern leaves the folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sdui.core.request import GenerationRequest
from sdui.imaging.filenames import NameFacts, expand, relative_path, sanitize

HERE = Path(__file__).parent
PATTERNS = json.loads((HERE / "filename_patterns.json").read_text(encoding="utf-8"))["cases"]
SANITIZED = json.loads((HERE / "sanitize_filename.json").read_text(encoding="utf-8"))["cases"]
TIME = datetime(2024, 3, 5, 14, 7, 9, tzinfo=UTC)


def facts(prompt: str = "a cat", **more) -> NameFacts:
    request = GenerationRequest(
        prompt=prompt,
        negative_prompt="bad",
        seed=123,
        cfg_scale=7.5,
        sampler="DPM++ 2M",
        schedule="Karras",
        model="tiny-sd15",
        model_hash="abcdef1234",
        width=96,
        height=64,
    )
    pixels = np.full((64, 96, 3), (10, 20, 30), np.uint8)
    return NameFacts(**{"request": request, "time": TIME, "pixels": pixels} | more)


@pytest.mark.parametrize("case", PATTERNS, ids=lambda c: f"{c['pattern']}-{c['prompt'][:9]!r}-{c['batch']}-{c['zip']}")
def test_a1111_gives_the_same_name(case):
    batch = {}
    if case["batch"]:
        batch = {"batch_size": 3, "seeds": (123, 124, 125)}
        if not case["zip"]:
            batch |= {"batch_number": 2, "generation_number": 5}
    assert expand(case["pattern"], facts(case["prompt"], **batch)) == case["out"]


@pytest.mark.parametrize("case", SANITIZED, ids=lambda c: repr(c["in"][:20]))
def test_a1111_sanitizes_the_same_way(case):
    assert sanitize(case["in"]) == case["out"]
    assert sanitize(case["in"], spaces=True) == case["out_spaces"]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("[cfg] [width]x[height] [sampler]", "7.5 96x64 DPM++ 2M"),
        ("[sampler_scheduler]", "DPM++ 2M Karras"),
        ("[seed]-[denoising]", "123"),
        ("[none]", ""),
        ("[prompt_hash<x>]", "[prompt_hash<x>]"),
        ("[nothing<like><this>]", "[nothing<like><this>]"),
        ("[datetime<%H><Asia/Tokyo>]", "23"),
        ("[datetime<%H><No/Where>]", "14"),
        ("[datetime<%H><../../etc/passwd>]", "14"),
    ],
)
def test_tags_without_a_golden(pattern, name):
    assert expand(pattern, facts()) == name


def test_size_is_that_of_the_picture_not_of_the_request():
    big = np.zeros((128, 192, 3), np.uint8)
    assert expand("[width]x[height]", facts(pixels=big)) == "192x128"


def test_prompt_words_keeps_as_many_as_asked():
    assert expand("[prompt_words]", facts("one, two; three", prompt_words=2)) == "one two"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\x", "C_/Windows/x"),
        ("..", "."),
        ("a/./b//c", "a/b/c"),
        ("nul\0byte", "nul_byte"),
        ("con/aux.txt/com1", "_con/_aux.txt/_com1"),
        ("ends with dots...  ", "ends with dots"),
        ("\ud800", "_"),
    ],
)
def test_paths_are_made_legal(text, path):
    assert relative_path(text) == Path(path)


TAGS = st.sampled_from(
    ["[prompt]", "[prompt_spaces]", "[hasprompt<a|../b>]", "[datetime<%Y/../%m>]", "[seed]", "/", ".."]
)


@given(
    pattern=st.lists(TAGS | st.text()).map("".join), prompt=st.text() | st.from_regex(r"[./\\ :con]*", fullmatch=True)
)
@example("[prompt_spaces]/[prompt]", "猫" * 400)
def test_every_name_is_legal_and_inside(pattern, prompt):
    path = relative_path(expand(pattern, facts(prompt)))
    assert not path.is_absolute()
    assert len(path.parts) <= 8
    for part in path.parts:
        assert part not in ("", ".", "..")
        assert 0 < len(part.encode()) <= 231
        assert not set(part) & set('<>:"/\\|?*\0\n')
        assert all(ord(character) >= 32 for character in part)
        assert part[-1] not in " ."
        assert part.split(".")[0].lower() not in ("con", "nul", "com1")
