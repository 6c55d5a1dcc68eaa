"""What is compared when a picture is drawn again; `tests/test_verify.py` has the rest."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import RequestError
from sdui.core.replay import Record
from sdui.core.settings import Preferences
from sdui.imaging.file_formats import encode
from sdui.imaging.fingerprints import of_pixels
from sdui.imaging.replaying import Off, Source, Sources, compared, prepared

PIXELS = np.random.default_rng(0).integers(1, 255, (8, 16, 3), np.uint8)
TEXT = "a cat\nSteps: 3, Sampler: Euler, CFG scale: 7, Seed: 12, Size: 16x8"
NONE = Sources(Source("Init image"), Source("Mask"))
HERE = Record(torch="2.14.0", dtype="float32", device="cpu")


def file(format="png", **record: object) -> bytes:
    text = Record(**record).model_dump_json(exclude_defaults=True) if record else ""
    return encode(PIXELS, format, TEXT, Preferences(), text)


def test_every_recorded_condition_that_differs_is_named_with_how_far_off_the_pixels_are():
    replay = prepared(file(pixels=of_pixels(PIXELS), torch="2.13.0", dtype="float16", device="cpu"), NONE)
    drawn = PIXELS.copy()
    drawn[0, :3, 1] += 1
    drawn[5, 5, 0] -= 1
    found = compared(replay, drawn, HERE)
    assert not found.equal and found.text == "differs: torch 2.13.0 there, 2.14.0 here"
    assert [difference.condition for difference in found.differences] == ["torch", "dtype"]
    assert found.off == Off(4, 128, 1)


def test_other_conditions_that_gave_the_same_picture_are_named_too():
    found = compared(prepared(file(pixels=of_pixels(PIXELS), torch="2.13.0"), NONE), PIXELS, HERE)
    assert found.equal and [difference.condition for difference in found.differences] == ["torch", "device", "dtype"]


def test_a_lossy_file_is_equal_though_its_pixels_are_not():
    found = compared(prepared(file("jpg", pixels=of_pixels(PIXELS)), NONE), PIXELS, Record())
    assert found.equal and found.off.pixels > 0


def test_another_size_has_no_pixels_to_count():
    found = compared(prepared(file(pixels=of_pixels(PIXELS)), NONE), PIXELS[:4], Record())
    assert found.off is None and found.text == "differs in size under equal conditions"


def test_the_batch_in_which_it_was_drawn_is_asked_for():
    replay = prepared(file(batch_size=4, position=2), NONE)
    assert (replay.request.seed, replay.request.batch_size, replay.position) == (10, 4, 2)


@pytest.mark.parametrize(
    ("format", "drawn", "says"),
    [
        ("png", PIXELS, "equal"),
        ("png", PIXELS ^ 1, "differs: the file has no replay record"),
        ("jpg", PIXELS, "cannot be told: its format changes pixels"),
        ("jpg", PIXELS[:4], "differs: the file has no replay record"),
    ],
)
def test_a_file_of_another_program_is_compared_by_its_pixels(format, drawn, says):
    found = compared(prepared(file(format), NONE), drawn, HERE)
    assert found.text.startswith(says) and found.equal == (says == "equal") and found.differences is None


def test_a_picture_without_words_cannot_be_drawn():
    target = io.BytesIO()
    Image.fromarray(PIXELS).save(target, "PNG")
    with pytest.raises(RequestError, match="no infotext"):
        prepared(target.getvalue(), NONE)
