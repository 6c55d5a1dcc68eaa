"""A1111's other scripts: how many pictures, their seeds and prompts, geometry, kept pixels, texts."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from sdui.builtin import all as all_builtin
from sdui.builtin.prompts_from_file.engine import _job
from sdui.builtin.prompts_from_file.lines import options
from sdui.builtin.prompts_from_file.params import PromptsFromFile
from sdui.core import infotext
from sdui.core.a1111_body import request_from
from sdui.core.errors import ExtensionError, Interrupted, RequestError
from sdui.core.events import ImageReady, Notice, Progress, Stop, StopToken
from sdui.core.groups import groups_of, script_of
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.extensions.host import Host
from sdui.imaging.matched_noise import with_matched_noise
from sdui.imaging.tiles import Tiling
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import make_engine, make_host

REQUEST = make_host().request(GenerationRequest, "always", "script")
BODY = {"prompt": "a red circle", "negative_prompt": "blue", "seed": 7, "steps": 1, "width": 64, "height": 64}
BODY |= {"sampler_name": "Euler"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("scripts")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work)


def picture(width=64, height=64):
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 3 % 256, y * 3 % 256, (x + y) % 256], -1).astype(np.uint8))


def png(image):
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def asked(script, arguments, image=None, mask=None, **values):
    body = BODY | values | {"script_name": script, "script_args": arguments}
    pictures = (png(image), png(mask) if mask else b"") if image else (b"", b"")
    return request_from(body, "img2img" if image else "txt2img", pictures, REQUEST).request


def run(engine, request, stop=None, emit=lambda event: None):
    """Grids, pictures, notices."""
    events = []

    def heard(event):
        events.append(event)
        emit(event)

    with contextlib.suppress(Interrupted):
        engine.run(request, Preferences(live_previews_enable=False), heard, stop or StopToken())
    images = [event.image for event in events if isinstance(event, ImageReady)]
    grids = [image for image in images if image.kind == "grid"]
    pictures = [image for image in images if image.kind == "image"]
    return grids, pictures, [event.text for event in events if isinstance(event, Notice)]


def test_prompt_matrix_has_every_combination(engine):
    request = asked("prompt matrix", [False, True, "positive", "comma", 6], prompt="a circle| red |blue,")
    (grid,), images, _ = run(engine, request)
    assert [image.request.prompt for image in images] == [
        "a circle",
        "a circle, red",
        "a circle, blue",
        "a circle, red, blue",
    ]
    assert [image.request.seed for image in images] == [7, 8, 9, 10]
    for cell, image in zip(grid.cells, images, strict=True):
        part = grid.pixels[cell.top : cell.top + cell.height, cell.left : cell.left + cell.width]
        assert np.array_equal(part, image.pixels)
    assert grid.cells[3].left - grid.cells[0].left == 64 + 6


def test_prompt_matrix_puts_parts_first_and_works_on_the_negative_prompt(engine):
    request = asked("prompt matrix", [True, False, "negative", "space", 0], negative_prompt="yellow|green")
    _, images, _ = run(engine, request)
    assert [image.request.negative_prompt for image in images] == ["yellow", "green yellow"]
    assert [image.request.seed for image in images] == [7, 7]


def test_prompt_matrix_refuses_what_would_never_end(engine):
    with pytest.raises(RequestError, match="11 parts make 2048 pictures"):
        run(engine, asked("prompt matrix", [], prompt="|".join("abcdefghijkl")))


def test_prompts_from_a_textbox_line_by_line(engine):
    lines = 'stripes\n\n--prompt "purple square" --seed 3 --steps 2 --width 128 --batch_size 2\nblue'
    _, images, notices = run(engine, asked("prompts from file or textbox", [True, False, "end", lines]))
    told = [(image.request.prompt, image.request.seed, image.request.width) for image in images]
    assert told == [
        ("a red circle stripes", 7, 64),
        ("a red circle purple square", 3, 128),
        ("a red circle purple square", 4, 128),
        ("a red circle blue", 9, 64),
    ]
    assert notices == []


def test_a_line_that_is_no_options_is_a_prompt():
    told = []
    asked, kept = _job(2, "red --steps", REQUEST(prompt="a circle"), PromptsFromFile(), told.append)
    assert asked.prompt == "red --steps a circle" and kept
    assert told == ["Line 3: an option is needed before 'red'. It was taken for a prompt: red --steps"]


@pytest.mark.parametrize(
    ("line", "said"),
    [('--prompt "a', "quotes do not match"), ("--speed 5", "no option --speed"), ("5 --steps 2", "needed before '5'")],
)
def test_a_line_that_cannot_be_read_says_why(line, said):
    with pytest.raises(RequestError, match=said):
        options(line)


def test_loopback_starts_from_the_last_picture(engine):
    request = asked("loopback", [3, 0.9, "Linear", "None"], picture(), denoising_strength=0.5)
    (grid,), images, _ = run(engine, request)
    assert [image.request.seed for image in images] == [7, 8, 9]
    assert [round(image.request.init.denoising_strength, 3) for image in images] == [0.5, 0.7, 0.9]
    assert grid.pixels.shape == (64, 192, 3)
    with Image.open(io.BytesIO(images[1].request.init.image)) as started:
        assert np.array_equal(np.asarray(started), images[0].pixels)
    assert "Final denoising strength: 0.9, Denoising curve: Linear" in infotext.write(
        images[0].request, images[0].facts
    )


@pytest.mark.parametrize(("curve", "middle"), [("Aggressive", 0.783), ("Lazy", 0.617)])
def test_loopback_curves(engine, curve, middle):
    _, images, _ = run(engine, asked("loopback", [3, 0.9, curve, "None"], picture(), denoising_strength=0.5))
    assert round(images[1].request.init.denoising_strength, 3) == middle


@pytest.mark.parametrize(("level", "when"), [(Stop.NOW, ImageReady), (Stop.AFTER, Progress)])
def test_a_stopped_loopback_keeps_what_was_made(engine, level, when):
    stop = StopToken()

    def after_one(event):
        if isinstance(event, when):
            stop.request(level)

    _, images, _ = run(engine, asked("loopback", [4, 0.5, "Linear", "None"], picture()), stop, after_one)
    assert len(images) == 1


KEPT = 24
"""Pixels from a seam that a mask blur of 4 does not reach."""


@pytest.mark.parametrize(
    ("sides", "blur"), [(["right"], 0), (["left", "down"], 2), (["left", "right", "up", "down"], 0)]
)
def test_outpainting_keeps_the_picture(engine, sides, blur):
    image = picture(64, 64)
    request = asked("outpainting mk2", [None, 32, blur, sides, 1.0, 0.05], image, width=128, height=128)
    _, (made,), _ = run(engine, request)
    across, down = (any(side in sides for side in pair) for pair in (("left", "right"), ("up", "down")))
    assert made.pixels.shape == (128 if down else 64, 128 if across else 64, 3)
    left = (128 - 64) // (2 if "right" in sides else 1) if "left" in sides else 0
    top = (128 - 64) // (2 if "down" in sides else 1) if "up" in sides else 0
    before, after = np.asarray(image), made.pixels[top : top + 64, left : left + 64]
    inside = slice(KEPT, -KEPT) if blur else slice(None)
    assert np.array_equal(before[inside, inside], after[inside, inside])
    assert made.pixels.std(axis=(0, 1)).min() > 5
    assert script_of(infotext.read(infotext.write(made.request, made.facts), REQUEST)).name == "outpainting_mk2"


def test_the_requests_that_a1111_could_not_draw_are_drawn(engine):
    for arguments, size in (
        ([None, 64, 8, ["left", "down"], 1.0, 0.05], (128, 128)),
        ([None, 64, 4, ["right"], 0.8, 0.0], (64, 128)),
        ([None, 32, 8, ["left", "down"], 1.0, 0.05], (128, 128)),
    ):
        _, (made,), _ = run(engine, asked("outpainting mk2", arguments, picture()))
        assert made.pixels.shape[:2] == size


def test_outpainting_needs_a_direction(engine):
    for script, arguments in (("outpainting mk2", [None, 64, 4, []]), ("poor man's outpainting", [64, 4, "fill", []])):
        with pytest.raises(RequestError, match="Outpainting direction: choose at least one"):
            run(engine, asked(script, arguments, picture()))


@pytest.mark.parametrize(("blur", "kept"), [(0, 0), (2, KEPT)])
def test_poor_mans_outpainting_keeps_the_picture(engine, blur, kept):
    image = picture(64, 64)
    request = asked("poor man's outpainting", [32, blur, "fill", ["left", "up"]], image, width=128, height=128)
    _, (made,), _ = run(engine, request)
    assert made.pixels.shape == (128, 128, 3)
    assert np.array_equal(made.pixels[64 + kept :, 64 + kept :], np.asarray(image)[kept:, kept:])


@pytest.mark.parametrize("level", [Stop.NOW, Stop.SKIP])
@pytest.mark.parametrize(
    ("script", "arguments", "grown"),
    [
        ("sd upscale", [None, 16, "Nearest", 2.0], False),
        ("outpainting mk2", [None, 32, 2, ["left", "up"], 1.0, 0.05], True),
        ("poor man's outpainting", [32, 2, "fill", ["left", "up"]], False),
    ],
)
def test_what_was_drawn_is_kept_when_the_next_part_is_not(engine, script, arguments, grown, level):
    request = asked(script, arguments, picture(), steps=2, denoising_strength=1.0)
    stop, begun = StopToken(), []

    def in_the_second_part(event):
        if isinstance(event, Progress) and event.step == 1:
            begun.append(event)
            if len(begun) == 2:
                stop.request(level)

    _, (whole,), _ = run(engine, request)
    _, (made,), _ = run(engine, request, stop, in_the_second_part)
    smaller = grown and level == Stop.NOW
    assert made.pixels.shape[1] == 128 and made.pixels.shape[0] == (64 if smaller else 128)
    if not smaller:
        assert 0 < (made.pixels == whole.pixels).all(-1).mean() < 1
    assert script_of(infotext.read(infotext.write(made.request, made.facts), REQUEST)).title.casefold() == script


@pytest.mark.parametrize(
    ("script", "arguments", "size"),
    [
        ("sd upscale", [None, 16, "Nearest", 2.0], 128),
        ("outpainting mk2", [None, 32, 2, ["left", "up"], 1.0, 0.05], 128),
        ("poor man's outpainting", [32, 2, "fill", ["left", "up"]], 128),
    ],
)
def test_a_picture_of_many_parts_is_finished_before_the_job_ends(engine, script, arguments, size):
    request = asked(script, arguments, picture(), steps=1, denoising_strength=1.0, n_iter=2)
    stop = StopToken()

    def at_once(event):
        if isinstance(event, Progress) and event.step:
            stop.request(Stop.AFTER)

    _, (made,), _ = run(engine, request, stop, at_once)
    assert made.pixels.shape == (size, size, 3)


def test_matched_noise_leaves_what_is_known_and_fills_the_rest():
    image = np.asarray(picture(64, 64)) / 255
    mask = np.zeros((64, 64))
    mask[:, 40:] = 1
    made = with_matched_noise(image * (1 - mask[..., None]), mask)
    assert np.array_equal(made[:, :40], image[:, :40])
    assert np.abs(made[:, 40:].mean((0, 1)) - image[:, :40].mean((0, 1))).max() < 0.1
    assert made[:, 40:].std() > 0.02


@pytest.mark.parametrize("size", [(64, 64), (100, 70), (40, 200)])
@pytest.mark.parametrize("overlap", [0, 16])
def test_tiles_that_nobody_changes_are_the_picture(size, overlap):
    image = picture(*size)
    tiling = Tiling(size, (64, 64), overlap)
    assert np.array_equal(np.asarray(tiling.joined(tiling.cut(image))), np.asarray(image))


def test_sd_upscale_is_of_twice_the_size_by_any_name_of_the_upscaler(engine):
    request = asked("sd upscale", [None, 16, "Lanczos", 2.0], picture(), batch_size=2, denoising_strength=0.5)
    _, (made,), _ = run(engine, request)
    assert made.pixels.shape == (128, 128, 3) and made.request.seed == 7
    text = infotext.write(made.request, made.facts)
    assert "SD upscale overlap: 16" in text and "SD upscale upscaler: Lanczos" in text
    by_place = asked("sd upscale", [None, 16, 1, 2.0], picture(), batch_size=2, denoising_strength=0.5)
    assert np.array_equal(run(engine, by_place)[1][0].pixels, made.pixels)


def test_sd_upscale_with_a_mask_leaves_the_rest_as_it_was_enlarged(engine):
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 16, 16))
    request = asked("sd upscale", [None, 16, "Nearest", 2.0], picture(), mask, mask_blur=0, inpaint_full_res=False)
    _, (made,), _ = run(engine, request)
    enlarged = np.asarray(picture().resize((128, 128), Image.Resampling.NEAREST))
    assert np.array_equal(made.pixels[40:, 40:], enlarged[40:, 40:])
    assert not np.array_equal(made.pixels[:32, :32], enlarged[:32, :32])


def test_img2img_alternative_draws_nearly_the_picture_again_and_from_its_text(engine):
    arguments = [None, True, True, "a red circle", "", True, 4, True, 1.0, 0.0, True]
    request = asked("img2img alternative test", arguments, picture(), cfg_scale=1)
    _, (made,), _ = run(engine, request)
    assert (made.request.sampler, made.request.steps, made.request.prompt) == ("Euler", 4, "a red circle")
    again = infotext.read(infotext.write(made.request, made.facts), REQUEST)
    again = again.model_copy(update={"init": again.init.model_copy(update={"image": png(picture())})})
    assert np.array_equal(run(engine, again)[1][0].pixels, made.pixels)


def test_scripts_for_pictures_say_that_they_need_one(engine):
    for script in ("loopback", "sd upscale", "outpainting mk2", "poor man's outpainting", "img2img alternative test"):
        with pytest.raises(RequestError, match="Image: this script needs a picture to start from"):
            run(engine, asked(script, []))


def test_custom_code_is_there_only_when_it_is_allowed(engine):
    assert "custom_code" not in groups_of(REQUEST)
    host = Host()
    all_builtin.add_all(host, ["params", "engine"], allow_code=True)
    model = host.request(GenerationRequest, "script")
    code = "for seed in (3, 4):\n    drawing.draw(request.model_copy(update={'seed': seed}), drawing.show)"
    body = BODY | {"script_name": "custom code", "script_args": [code]}
    allowed = make_engine([engine._models.files.folders("checkpoint")[0]], engine._models.files.cache / "x", host=host)
    _, images, _ = run(allowed, request_from(body, "txt2img", model=model).request)
    assert [image.request.seed for image in images] == [3, 4]
    with pytest.raises(RequestError, match="Python code: invalid syntax"):
        run(allowed, request_from(body | {"script_args": ["for"]}, "txt2img", model=model).request)
    with pytest.raises(ExtensionError, match=r"custom_code.*ZeroDivisionError"):
        run(allowed, request_from(body | {"script_args": ["1 / 0"]}, "txt2img", model=model).request)
