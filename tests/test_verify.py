"""`sdui verify` tells whether a saved picture comes out the same again, and if not, why."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import ModelNotFound
from sdui.core.events import GeneratedImage
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import InitImage, Inpaint
from sdui.imaging.file_formats import encode
from sdui.imaging.fingerprints import of_picture
from sdui.imaging.store import OutputStore
from sdui.verify import Given, verify

ROOT = Path(__file__).parent.parent
REQUEST = GenerationRequest(prompt="a cat", seed=5, width=16, height=8, model="m")
CONDITIONS = {"torch": "2.14.0", "device": "cpu", "checkpoint": "a" * 64}


def picture(value: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (4, 4), (value, 0, 0)).save(target, "PNG")
    return target.getvalue()


def draw(request: GenerationRequest, conditions=CONDITIONS) -> list[GeneratedImage]:
    """Like an engine whose pictures depend on the seed, the batch and what they are started from."""
    images = []
    for position in range(request.batch_size):
        seed = request.seed + position
        start = int.from_bytes(request.init.image[-30:]) if request.init else 0
        pixels = np.random.default_rng([seed, request.batch_size, start]).integers(
            0, 256, (request.height, request.width, 3), np.uint8
        )
        alone = request.model_copy(update={"seed": seed, "batch_size": 1})
        made = conditions | {"position": position, "batch_size": request.batch_size}
        if request.init:
            made["init_image"] = of_picture(request.init.image)
            made["mask"] = of_picture(request.init.inpaint.mask) if request.init.inpaint else ""
        images.append(GeneratedImage(pixels, alone, {"Version": "sdui"}, conditions=made))
    return images


@pytest.fixture
def save(tmp_path):
    store = OutputStore(tmp_path)
    yield lambda image, **preferences: Path(store.save(image, Preferences(**preferences))[0].path)
    store.close()


@pytest.mark.parametrize("format", ["png", "jpg", "webp"])
def test_the_same_picture_is_equal(save, format):
    path = save(draw(REQUEST)[0], samples_format=format)
    assert verify(path, draw, Given()) == (True, "equal")


def test_every_picture_of_a_batch_is_equal(save):
    for image in draw(REQUEST.model_copy(update={"batch_size": 3})):
        assert verify(save(image), draw, Given()).equal


def test_another_torch_is_named(save):
    path = save(draw(REQUEST, CONDITIONS | {"torch": "2.13.0"})[0])

    def other(request):
        return [replace(image, pixels=image.pixels ^ 1) for image in draw(request)]

    assert verify(path, other, Given()) == (False, "differs: torch 2.13.0 there, 2.14.0 here")
    assert verify(path, draw, Given()).equal, "what comes out the same is equal, whatever made it"


def test_pixels_are_counted_when_nothing_else_differs(save):
    path = save(draw(REQUEST)[0])

    def other(request):
        (image,) = draw(request)
        image.pixels[0, :3, 0] ^= 1
        return [image]

    text = verify(path, other, Given()).text
    assert text == "differs under equal conditions: 3 of 128 pixels, by up to 1 of 255"


def test_an_edited_picture_is_found_out(save):
    path = save(draw(REQUEST)[0])
    with Image.open(path) as image:
        image.load()
        texts = dict(image.text)
    info = encode(np.zeros((8, 16, 3), np.uint8), "png", texts["parameters"], Preferences(), texts["sdui"])
    path.write_bytes(info)
    assert verify(path, draw, Given()).text == "differs: its pixels were changed after it was drawn"


def test_what_a_picture_was_started_from_must_be_given(save):
    init = InitImage(image=picture(1), inpaint=Inpaint(mask=picture(2)))
    path = save(draw(REQUEST.model_copy(update={"init": init}))[0])
    assert "--init: the picture that it was started from is not" in verify(path, draw, Given()).text
    assert "--init: this is another picture" in verify(path, draw, Given(picture(3), picture(2))).text
    assert "--mask: the mask that it was started from is not" in verify(path, draw, Given(picture(1))).text
    assert "--mask: this is another mask" in verify(path, draw, Given(picture(1), picture(1))).text
    assert "--init: this is no picture" in verify(path, draw, Given(b"?", picture(2))).text
    assert verify(path, draw, Given(picture(1), picture(2))).equal


def test_files_that_tell_nothing(save, tmp_path):
    assert "No such file" in verify(tmp_path / "none.png", draw, Given()).text
    assert "no replay record" in verify(save(replace(draw(REQUEST)[0], conditions={})), draw, Given()).text
    assert "no infotext" in verify(save(draw(REQUEST)[0], enable_pnginfo=False), draw, Given()).text
    (tmp_path / "text.png").write_text("?")
    assert "no PNG, JPEG, WebP, AVIF or GIF" in verify(tmp_path / "text.png", draw, Given()).text


def test_a_missing_checkpoint_is_named(save):
    def missing(_request):
        raise ModelNotFound("Checkpoint: there is no 'm' in models.")

    verdict = verify(save(draw(REQUEST)[0]), missing, Given())
    assert verdict == (False, "cannot be drawn here: Checkpoint: there is no 'm' in models.")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "webui.py", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_command_line(save, tmp_path):
    path = save(replace(draw(REQUEST)[0], conditions={}))
    done = command("verify", str(path), "--data-dir", str(tmp_path), "--device", "cpu")
    assert done.stdout.startswith(f"{path}: there is no replay record")
    assert done.returncode == 1
    assert "--init IMAGE" in command("verify", "--help").stdout
    assert command("verify").returncode == 2
