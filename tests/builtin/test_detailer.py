"""The detailer draws what was found anew and leaves every other pixel as it was."""

import numpy as np
import pytest

from sdui.core import infotext
from sdui.core.errors import ModelFileError, RequestError
from sdui.core.request import GenerationRequest
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.onnx_files import constant, mean_colour
from tests.support.running import draw, make_engine, make_host

REQUEST = make_host().request(GenerationRequest, "always", "script")
SMALL = {"prompt": "a red circle", "seed": 5, "steps": 2, "width": 128, "height": 64, "sampler": "Euler"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("detailer")
    write_tiny_checkpoint(work / "checkpoints")
    (work / "detectors").mkdir()
    # Two boxes for one thing and a doubtful one, in a network of 64 pixels: middle, size, confidence.
    boxes = np.array([[16, 16, 12, 12, 0.9], [17, 16, 12, 12, 0.8], [50, 10, 8, 8, 0.2]] + [[0, 0, 1, 1, 0]] * 7)
    (work / "detectors/circles.onnx").write_bytes(constant(64, boxes.T[None].astype(np.float32)))
    # The same thing with two classes and two patterns on a quarter of the pixels; the second one's left half is meant.
    patterns = np.full((1, 2, 16, 16), -5, np.float32)
    patterns[0, 0], patterns[0, 1, :, :4] = 5, 5
    shaped = np.array([[16, 16, 12, 12, 0.1, 0.9, 0, 1]] + [[0, 0, 1, 1, 0, 0, 0, 0]] * 9, np.float32)
    (work / "detectors/shapes.onnx").write_bytes(constant(64, shaped.T[None], patterns))
    (work / "detectors/other.onnx").write_bytes(mean_colour(8))
    (work / "detectors/broken.onnx").write_bytes(b"broken")
    return make_engine([work / "checkpoints"], work, detector=work / "detectors")


def with_detailer(**values):
    return REQUEST(**SMALL, extensions={"detailer": {"detector": "circles", "mask_blur": 0, "dilation": 0} | values})


def test_only_what_was_found_is_drawn_anew(engine):
    plain, made = (draw(engine, request)[0] for request in (REQUEST(**SMALL), with_detailer(denoising_strength=0.9)))
    off = np.abs(plain.pixels.astype(int) - made.pixels).max(-1) > 0
    rows, columns = np.nonzero(off)
    # At twice the network's scale: 32 +- 12.
    assert len(rows) and rows.min() >= 20 and rows.max() < 44 and columns.min() >= 20 and columns.max() < 44
    text = infotext.write(made.request, made.facts)
    assert "Detailer model: circles" in text and "Detailer denoising strength: 0.9" in text
    again = draw(engine, infotext.read(text, REQUEST))[0]
    assert np.array_equal(again.pixels, made.pixels)


def test_a_segmentation_network_gives_the_shape(engine):
    requests = REQUEST(**SMALL), with_detailer(detector="shapes", denoising_strength=0.9)
    plain, made = (draw(engine, request)[0] for request in requests)
    rows, columns = np.nonzero(np.abs(plain.pixels.astype(int) - made.pixels).max(-1))
    # Of the box around (32, 32) what is left of the pattern's edge at 4 of 16, which is 32 of 128.
    assert len(rows) and rows.min() >= 20 and rows.max() < 44
    assert columns.min() == 20 and columns.max() == 31


def test_nothing_found_leaves_the_picture(engine):
    plain, made = (draw(engine, request)[0] for request in (REQUEST(**SMALL), with_detailer(confidence=0.95)))
    assert np.array_equal(plain.pixels, made.pixels)
    faces = draw(engine, with_detailer(detector="Faces"))[0]
    assert np.array_equal(plain.pixels, faces.pixels)


def test_a_detector_that_is_none_or_not_there_is_named(engine):
    assert engine.catalog().detectors == ("Faces", "broken", "circles", "other", "shapes")
    with pytest.raises(RequestError, match=r"Detector: there is no 'hands' in .*detectors; known are Faces"):
        draw(engine, with_detailer(detector="hands"))
    with pytest.raises(ModelFileError, match=r"broken\.onnx is no ONNX network"):
        draw(engine, with_detailer(detector="broken"))
