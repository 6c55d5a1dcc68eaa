"""The selectable scripts give A1111's pictures and texts for the bodies that were posted to it."""

import json
from pathlib import Path

import pytest

from sdui.core import infotext
from sdui.core.a1111_body import request_from
from sdui.core.events import ImageReady, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from tests.golden.test_goldens import assert_same_picture, drawn_by_a1111
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import make_engine, make_host

HERE = Path(__file__).parent / "scripts"
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
OTHERS = {"Version", "Schedule type", "Model hash"}
"""Keys that A1111 had not yet, or that differ with the small copy of the checkpoint."""

LEGENDS = {"pm_neg"}
"""Cases whose grid has words in it, drawn with another font."""
OURS = ("Script", "Outpaint ", "Masked content", "Decode negative prompt")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("scripts")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work)


def shown(engine, request, **preferences):
    """In A1111's order: grids first."""
    events = []
    engine.run(request, Preferences(**preferences), events.append, StopToken())
    images = [event.image for event in events if isinstance(event, ImageReady) and event.image.shown]
    return sorted(images, key=lambda image: image.kind != "grid")


def pairs(text):
    """Prompts and pairs, numbers as numbers."""
    parsed = infotext.parse(text)
    return parsed.prompt, parsed.negative_prompt, {k: number(v) for k, v in parsed.pairs.items() if k not in OTHERS}


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_same_pictures_and_texts_as_a1111(engine, case):
    source = (HERE / "src.png").read_bytes() if case["kind"] == "img2img" else b""
    model = make_host().request(GenerationRequest, "always", "script")
    request, unused = request_from(case["request"], case["kind"], (source, b""), model)
    assert not unused
    images = shown(engine, request, grid_save=False)
    assert len(images) == len(case["files"])
    for image, name, theirs in zip(images, case["files"], case["infotexts"], strict=True):
        if image.kind != "grid" or case["id"] not in LEGENDS:
            assert_same_picture(image.pixels, drawn_by_a1111(HERE / name)[1])
        assert_same_text(infotext.write(image.request, image.facts), theirs, case)


def assert_same_text(ours, theirs, case):
    """Ours also says which script it was, where A1111 keeps that to itself."""
    *prompts, found = pairs(ours)
    *expected_prompts, expected = pairs(theirs)
    if case["id"] == "xyz_float_range":
        # A1111 wrote the first value for all of them.
        found.pop("Eta", None), expected.pop("Eta")
    assert prompts == expected_prompts
    assert expected.items() <= found.items()
    more = {key for key in found.keys() - expected.keys() if not key.startswith(OURS)}
    assert not more
