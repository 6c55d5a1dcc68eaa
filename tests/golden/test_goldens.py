"""What was posted to A1111 gives the same picture, seeds and text, and so does the text in its file and in ours."""

import base64
import io
import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdui.core import infotext
from sdui.core.a1111_body import request_from
from sdui.core.replay import whole_batch
from sdui.core.settings import Preferences
from sdui.imaging.file_formats import read
from sdui.imaging.store import OutputStore
from sdui.jobs.local import LocalWorker
from tests.support.api import serving
from tests.support.checkpoints import FIXTURES, SMALL, write_small_checkpoint, write_tiny_checkpoint
from tests.support.running import draw, make_engine

HERE = Path(__file__).parent
CASES = [case for file in sorted((HERE / "cases").iterdir()) for case in json.loads(file.read_text(encoding="utf-8"))]
PREFERENCES = ("return_mask", "return_mask_composite", "lora_add_hashes_to_infotext")
"""Options that move no pixel of the picture itself."""
WITHOUT_EFFECT = ("lora_functional",)
"""Options that made A1111 compute the same in another way."""
NETWORKS = {
    "lora": FIXTURES / "Lora",
    "embedding": FIXTURES / "embeddings",
    "hypernetwork": FIXTURES / "hypernetworks",
}
OTHERS = {"Version", "Model hash"}
"""Keys of this program and of this copy of the checkpoint."""
INCOMPLETE = {
    "churn_req_euler",
    "churn_req_heun",
    "old_karras_sigmas",
    "unipc_skip_logSNR",
    "unipc_order4",
    "no_dpmpp_sde_batch_determinism_b1",
    "emph_None_break",
    "oldemph_attn2",
    "comma_backtrack5",
    "bt0",
    "fixsteps_dpmpp_2m_karras",
    "resize1_b",
    "rgba_bg",
    "cc",
    "inp_blur0",
    "inp_cc",
    "inp_overlay_off",
}
"""Cases of whose options A1111 wrote nothing into the file."""


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=[f"{case['group']}-{case['id']}" for case in cases])


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("golden")
    write_tiny_checkpoint(work / "checkpoints")
    for name in SMALL:
        write_small_checkpoint(work / "checkpoints", name)
    (work / "styles.csv").write_bytes((HERE / "styles.csv").read_bytes())
    return make_engine([work / "checkpoints"], work, **NETWORKS)


@pytest.fixture(scope="module")
def api(engine, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served"), LocalWorker(lambda: engine)) as api:
        yield api


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with closing(OutputStore(tmp_path_factory.mktemp("saved"))) as store:
        yield store


def given(case):
    """The init image and the mask."""
    return tuple((HERE / "pictures" / case[key]).read_bytes() if key in case else b"" for key in ("image", "mask"))


def asked(case):
    """The recorded body of A1111's API, and what of it are preferences."""
    options = case["request"].get("override_settings", {})
    preferences = {name: options[name] for name in PREFERENCES if name in options}
    body = {"sd_model_checkpoint": case["model"]} | case["request"]
    dropped = PREFERENCES + WITHOUT_EFFECT
    body["override_settings"] = {name: value for name, value in options.items() if name not in dropped}
    request, unused, _ = request_from(body, "img2img" if "image" in case else "txt2img", given(case))
    assert not unused
    return request, preferences


def with_pictures(request, case):
    """A text has no room for the pictures that img2img starts from."""
    if request.init is None:
        return request
    image, mask = given(case)
    inpaint = request.init.inpaint and request.init.inpaint.model_copy(update={"mask": mask})
    return request.model_copy(update={"init": request.init.model_copy(update={"image": image, "inpaint": inpaint})})


def drawn_by_a1111(name):
    with Image.open(HERE / "pictures" / name) as opened:
        return opened.info.get("parameters", ""), np.asarray(opened.convert("RGBA"))[..., :3]


def assert_same_picture(made, expected):
    made = made[..., :3]
    assert made.shape == expected.shape
    difference = np.abs(made.astype(int) - expected.astype(int)).max(axis=-1)
    assert (difference <= 1).mean() >= 0.999, f"{(difference > 1).mean():.2%} of the pixels differ"
    assert difference.max() <= 3


@named(CASES)
def test_same_picture_seeds_and_text_as_a1111(api, case):
    """The body is posted as it was."""
    api.services.settings.change(sd_model_checkpoint=case["model"])
    image, mask = given(case)
    pictures = {"init_images": [encoded(image)]} if image else {}
    pictures |= {"mask": encoded(mask)} if mask else {}
    kind = "img2img" if image else "txt2img"
    answer = api.client.post(f"/sdapi/v1/{kind}", json=pictures | case["request"])
    assert answer.status_code == 200, answer.text
    made, info = [base64.b64decode(one) for one in answer.json()["images"]], json.loads(answer.json()["info"])
    assert len(made) == len(case["files"])
    for data, name in zip(made, case["files"], strict=True):
        assert_same_picture(pixels(data), drawn_by_a1111(name)[1])
    assert info["all_seeds"] == case["seeds"]
    assert_same_text(info["infotexts"][0], drawn_by_a1111(case["files"][0])[0], case)


def encoded(data):
    return base64.b64encode(data).decode()


def pixels(data):
    with Image.open(io.BytesIO(data)) as opened:
        return np.asarray(opened.convert("RGBA"))[..., :3]


def assert_same_text(ours, theirs, case):
    """Every pair that A1111 wrote is in ours; it had the schedule in the sampler's name then."""
    ours, theirs = infotext.parse(ours), infotext.parse(theirs)
    assert lines(ours.prompt) == lines(theirs.prompt) and lines(ours.negative_prompt) == lines(theirs.negative_prompt)
    schedules = {"Sampler": "Schedule type", "Hires sampler": "Hires schedule type"}
    for key, value in theirs.pairs.items():
        if key not in OTHERS:
            both = f"{ours.pairs.get(key)} {ours.pairs.get(schedules.get(key), '')}"
            assert comparable(value) in (comparable(ours.pairs.get(key, "")), comparable(both)), key


def lines(text):
    """Without the blank that a comment leaves."""
    return [line.rstrip() for line in text.split("\n")]


def comparable(text):
    try:
        return float(text)
    except ValueError:
        return text.casefold()


@named([case for case in CASES if case["id"] not in INCOMPLETE][7::12])
def test_same_picture_from_the_infotext_of_a1111(engine, case):
    text, expected = drawn_by_a1111(case["files"][0])
    assert_same_picture(draw(engine, with_pictures(infotext.read(text), case))[0].pixels, expected)


@named([case for case in CASES if case["id"] in INCOMPLETE] + CASES[7::48])
def test_same_pixels_from_our_own_file(engine, store, case):
    request = asked(case)[0].model_copy(update={"steps": 4})
    image = draw(engine, request)[-1]
    file = read(Path(store.save(image, Preferences())[0].path).read_bytes())
    again = whole_batch(with_pictures(infotext.read(file.infotext), case), file.record)
    assert np.array_equal(draw(engine, again)[file.record.position].pixels, image.pixels)
