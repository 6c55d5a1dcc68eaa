"""The selectable scripts give A1111's pictures and texts for the bodies that were posted to it."""

import base64
import json
from pathlib import Path

import pytest

from sdui.core import infotext
from sdui.jobs.local import LocalWorker
from tests.golden.test_goldens import assert_same_picture, drawn_by_a1111, encoded, pixels
from tests.support.api import serving
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import make_engine

HERE = Path(__file__).parent / "scripts"
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
OTHERS = {"Version", "Schedule type", "Model hash"}
"""Keys that A1111 had not yet, or that differ with the small copy of the checkpoint."""

LEGENDS = {"pm_neg"}
"""Cases whose grid has words in it, drawn with another font."""
OURS = ("Script", "Outpaint ", "Masked content", "Decode negative prompt")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    work = tmp_path_factory.mktemp("scripts")
    write_tiny_checkpoint(work / "checkpoints")
    with serving(work, LocalWorker(lambda: make_engine([work / "checkpoints"], work))) as api:
        yield api.client


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
def test_same_pictures_and_texts_as_a1111(client, case):
    """The body is posted as it was; grids come first."""
    picture = {"init_images": [encoded((HERE / "src.png").read_bytes())]} if case["kind"] == "img2img" else {}
    answer = client.post(f"/sdapi/v1/{case['kind']}", json=picture | case["request"])
    assert answer.status_code == 200, answer.text
    images, info = answer.json()["images"], json.loads(answer.json()["info"])
    assert "warnings" not in info or not any("ignored" in warning for warning in info["warnings"])
    assert len(images) == len(case["files"])
    texts = zip(info["infotexts"], case["infotexts"], strict=True)
    for place, (image, name, (ours, theirs)) in enumerate(zip(images, case["files"], texts, strict=True)):
        if place >= info["index_of_first_image"] or case["id"] not in LEGENDS:
            assert_same_picture(pixels(base64.b64decode(image)), drawn_by_a1111(HERE / name)[1])
        assert_same_text(ours, theirs, case)


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
