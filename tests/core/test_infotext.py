"""The text in a picture restores the request that made it, also when A1111 wrote it."""

from __future__ import annotations

import json
import random
import string
import time
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core import infotext, infotext_keys
from sdui.core.params import declared, nest
from sdui.core.request import GenerationRequest
from sdui.core.stages import InitImage

GOLDENS = Path(__file__).parent / "goldens"


def cases(name):
    return json.loads((GOLDENS / f"{name}.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", cases("infotext_quote"), ids=lambda case: repr(case["in"]))
def test_quotes_like_a1111(case):
    assert infotext.quote(case["in"]) == str(case["quoted"])
    assert infotext.unquote(str(case["quoted"])) == case["unquoted"]


@pytest.mark.parametrize("case", cases("infotext_unquote"), ids=lambda case: case["in"])
def test_unquotes_like_a1111(case):
    assert infotext.unquote(case["in"]) == case["out"]


@pytest.mark.parametrize("case", cases("infotext_parse"), ids=lambda case: repr(case["infotext"][:40]))
def test_takes_apart_like_a1111(case):
    found, expected = infotext.parse(case["infotext"]), case["out"]
    assert expected["Prompt"].startswith(found.prompt)  # a hypernetwork's tag may follow
    assert found.negative_prompt == expected["Negative prompt"]
    for key, value in found.pairs.items():
        if key in expected:  # A1111 renames and splits some
            assert value == str(expected[key]), key


BETTER = "a Steps: 20, Sampler: Euler a"
"""A recipe on one line, of which A1111 makes a parameter called "a Steps"."""
READ_ALIKE = [case for case in cases("infotext_parse") if not case["infotext"].startswith(BETTER)]


@pytest.mark.parametrize("case", READ_ALIKE, ids=lambda case: repr(case["infotext"][:40]))
def test_reads_what_a1111_reads(case):
    request, expected = infotext.read(case["infotext"]), case["out"]
    assert (request.prompt, request.negative_prompt) == (expected["Prompt"], expected["Negative prompt"])
    for field, key in {"steps": "Steps", "seed": "Seed", "width": "Size-1", "height": "Size-2"}.items():
        if key in expected:
            assert getattr(request, field) == int(expected[key])
    if "CFG scale" in expected:
        assert request.cfg_scale == float(expected["CFG scale"])
    if "Clip skip" in expected:
        assert request.clip_skip == int(expected["Clip skip"])


def texts():
    """Prompts, names and values with everything that has a meaning in an infotext."""
    signs = [*string.printable, "猫", "：", "，", "×", "\x85", "\u2028"]
    parts = ["Steps: 3, Sampler: x, Seed: 5", "Negative prompt: b", "\nNegative prompt:", "(a:1.2), b", "a\nb"]
    return st.lists(st.sampled_from([*signs, *parts]), max_size=20).map("".join)


def names():
    """Of files and samplers; a sampler's last word must not be a schedule's name."""
    return texts().filter(lambda name: name not in ("", "None") and not name.endswith(" Karras"))


def keys():
    return st.text(string.ascii_letters + "0_é -/", min_size=2).filter(infotext_keys.is_stranger)


def values(d):
    low, high = d.bounds()
    if d.path.endswith(("width", "height")):
        return st.integers(low // 8, high // 8).map(lambda cells: cells * 8)
    if isinstance(d.param.choices, tuple):
        return st.sampled_from(d.param.choices)
    of_type = {int: st.integers(low, high), float: st.floats(low, high), str: names(), bool: st.booleans()}
    kind = of_type[next(iter(get_args(d.field.annotation)), d.field.annotation)]
    if d.param.widget == "prompt":
        kind = texts()
    if "background" in d.path:
        kind = st.sampled_from(["#00ff00", "#FFFFFF"])
    return kind if d.param.infotext or d.param.widget == "prompt" else st.just(d.field.default)


DECLARED = list(declared(GenerationRequest))
STARTS = {
    "txt2img": {},
    "img2img": {"init.image": st.just(b"")},
    "inpaint": {"init.image": st.just(b""), "init.inpaint.mask": st.just(b"")},
}
"""What a picture may start from; the pictures themselves are not in the text."""


@st.composite
def requests(draw):
    """Any request that a text can carry."""
    start = draw(st.sampled_from(list(STARTS)))
    stages = {path.rpartition(".")[0] for path in STARTS[start]} | {"", "text", "sampling", "guidance"}
    stages |= draw(st.sets(st.sampled_from(["hires", "refiner"]))) - ({"hires"} if start != "txt2img" else set())
    if start == "inpaint" and draw(st.booleans()):
        stages.add("init.inpaint.soft")
    given = {d.path: values(d) for d in DECLARED if d.path.rpartition(".")[0] in stages} | STARTS[start]
    left_out = draw(st.sets(st.sampled_from(DECLARED).map(lambda d: d.path)))
    needed = {"refiner.model", "hires.scale", "hires.denoising_strength", "init.inpaint.soft.schedule_bias"}
    chosen = {p: s for p, s in given.items() if p not in left_out - needed}
    flat = draw(st.fixed_dictionaries(chosen | {"others": st.dictionaries(keys(), texts())}))
    return GenerationRequest.model_validate(nest(flat))


@given(requests())
def test_every_request_survives_the_way_through_the_text(request):
    again = infotext.read(infotext.write(request, {"Version": "sdui 1, or: so"}))
    assert again.model_dump() == request.model_dump()


def random_texts(count, seed):
    rng = random.Random(seed)
    parts = [
        "a cat",
        " ",
        ", ",
        "\n",
        "(",
        ":1.2)",
        "[a:b:0.5]",
        '"',
        "\\",
        "Negative prompt: ",
        "Steps: 3, ",
        "猫",
        "ab: ",
    ]
    parts += [
        "Sampler: DPM++ 2M Karras, ",
        "Size: 64x8, ",
        'Hires prompt: "',
        "Seed: 1",
        "：",
        "，",
        "\ud800",
        "\r",
        "\x00",
    ]
    parts += ["Version: v1.5.2, ", "Denoising strength: 0.5, ", "First pass size: 0x0, ", "Hypernet: h, ", "Refiner: "]
    parts += [
        "Mask blur: x, ",
        "Soft inpainting enabled: True, ",
        "CFG scale: 7, ",
        "Prompt: ",
        "<lora:x:1>",
        "\t",
        "1" * 50,
    ]
    return ["".join(rng.choices(parts, k=rng.randrange(12))) for _ in range(count)]


def test_twenty_thousand_texts_are_read():
    for text in random_texts(20_000, seed=1):
        infotext.read(text)


def test_four_thousand_prompts_survive():
    texts = random_texts(8_000, seed=2)
    for prompt, negative in zip(texts[::2], texts[1::2], strict=True):
        request = GenerationRequest(prompt=prompt, negative_prompt=negative)
        again = infotext.read(infotext.write(request, {}))
        assert (again.prompt, again.negative_prompt) == (request.prompt, request.negative_prompt)


@pytest.mark.parametrize(
    "unit", ["a", "\n", "ab: ", 'ab: "', "S ", "Steps: 1 ", "Steps: 1\n", "s：，", "Negative prompt: a\n", "("]
)
def test_time_is_linear_in_length(unit):
    text = unit * (100_000 // len(unit))
    started = time.process_time()
    infotext.read(f"Steps: 1 {text}")
    infotext.write(GenerationRequest(prompt=text), {})
    assert time.process_time() - started < 0.4


@given(st.text())
def test_reads_anything(text):
    infotext.read(text)


@given(st.text(alphabet='a:,"\\ \n9'))
def test_quoting_is_undone(text):
    wrapped = len(text) > 1 and text[0] == text[-1] == '"' and not any(c in text for c in ",\n:")
    assert infotext.unquote(infotext.quote(text)) == text or wrapped


def test_writes_what_a1111_writes():
    request = GenerationRequest(
        prompt="a cat", negative_prompt="dog", seed=7, cfg_scale=7.5, model="m", model_hash="0123456789", clip_skip=2
    )
    assert infotext.write(request, {"Version": "v1"}) == (
        "a cat\nNegative prompt: dog\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Automatic, CFG scale: 7.5, Seed: 7, Size: 512x512, "
        "Model hash: 0123456789, Model: m, Clip skip: 2, Version: v1"
    )


def test_sampler_names_from_before_schedules():
    old = infotext.read("a\nSteps: 5, Sampler: DPM++ 2M Karras, Seed: 1")
    assert (old.sampler, old.schedule) == ("DPM++ 2M", "Karras")


def test_recipes_from_web_pages_lack_spaces():
    recipe = infotext.read("a\nSteps:30,Sampler:DDIM,CFGscale:10,Seed:1039378680,Size:300x400,Clipskip:2")
    assert (recipe.steps, recipe.cfg_scale, recipe.width, recipe.height, recipe.clip_skip) == (30, 10, 296, 400, 2)


def test_a_wrong_value_keeps_its_default():
    assert infotext.read("a\nSteps: many, Sampler: Euler, Seed: 4").steps == 20


def test_what_is_done_to_a_picture_is_written_only_when_there_is_one():
    plain = GenerationRequest(prompt="a cat")
    changed = GenerationRequest(prompt="a cat", init=InitImage(image=b"...", denoising_strength=0.5))
    assert "Denoising strength" not in infotext.write(plain, {})
    assert "Denoising strength: 0.5" in infotext.write(changed, {})


def test_the_hashes_of_networks_are_read_and_written_back_as_they_were():
    hashes = 'Lora hashes: "hat: 0123456789ab, coat: 12", TI hashes: "b: ff"'
    text = f"a <lora:hat:1>\nSteps: 20, Sampler: Euler, Seed: 1, {hashes}"
    request = infotext.read(text)
    assert request.network_hashes == {"hat": "0123456789ab", "coat": "12", "b": "ff"}
    again = infotext.write(request, {})
    assert again.count("Lora hashes") == again.count("TI hashes") == 1
    assert infotext.read(again).network_hashes == request.network_hashes
    assert not any("does not use" in remark for remark in infotext.unread(text))


def test_a_new_picture_does_not_keep_the_hashes_of_another_ones_networks():
    read = infotext.read('a\nSteps: 20, Sampler: Euler, Seed: 1, Lora hashes: "hat: 0123456789ab", ControlNet 0: x')
    assert read.lasting_others == {"ControlNet 0": "x"}
