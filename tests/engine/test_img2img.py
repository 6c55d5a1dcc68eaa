"""img2img and inpainting, as their pictures show them."""

import io

import numpy as np
import pytest
from PIL import Image

from sdui.core import infotext
from sdui.core.errors import RequestError
from sdui.core.request import GenerationRequest
from sdui.core.stages import MASKED_CONTENT, Hires, InitImage, Inpaint, SoftInpainting
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import draw, make_engine

ASKED = GenerationRequest(
    prompt="a red circle", seed=5, steps=4, width=64, height=64, sampler="Euler a", model="tiny-sd15"
)
SOURCE = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
NAMES = ("Nearest", "Lanczos", "None")
LEFT = np.zeros((64, 64), np.uint8)
LEFT[:, :24] = 255


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("engine")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work)


def png(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def pixels(engine, inpaint=None, request=ASKED, **init):
    init = InitImage(**{"image": png(SOURCE), "inpaint": inpaint} | init)
    return draw(engine, request.model_copy(update={"init": init}))[0].pixels


def test_a_low_strength_stays_nearer_to_the_first_picture(engine):
    distances = [np.abs(pixels(engine, denoising_strength=s).astype(int) - SOURCE).mean() for s in (0.1, 0.5, 1.0)]
    assert distances == sorted(distances)


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ SDE", "DPM adaptive", "DDIM"])
def test_strength_0_with_exact_steps_only_goes_through_the_vae(engine, sampler):
    request = ASKED.model_copy(update={"sampler": sampler, "batch_size": 2})
    init = InitImage(image=png(SOURCE), denoising_strength=0, img2img_fix_steps=True)
    first, second = draw(engine, request.model_copy(update={"init": init}))
    assert np.array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("fill", MASKED_CONTENT)
def test_what_is_not_masked_stays_as_it_was(engine, fill):
    drawn = pixels(engine, Inpaint(mask=png(LEFT), mask_blur=0, fill=fill))
    assert np.array_equal(drawn[:, 32:], SOURCE[:, 32:])
    assert not np.array_equal(drawn[:, :16], SOURCE[:, :16])


def test_the_mask_can_be_turned_over(engine):
    drawn = pixels(engine, Inpaint(mask=png(LEFT), mask_blur=0, mask_mode="Inpaint not masked"))
    assert np.array_equal(drawn[:, :16], SOURCE[:, :16])
    assert not np.array_equal(drawn[:, 32:], SOURCE[:, 32:])


def test_only_masked_draws_the_part_at_full_size_and_puts_it_back(engine):
    drawn = pixels(engine, Inpaint(mask=png(LEFT), mask_blur=0, area="Only masked", padding=4))
    assert drawn.shape == SOURCE.shape
    assert np.array_equal(drawn[:, 32:], SOURCE[:, 32:])
    assert not np.array_equal(drawn[:, :16], SOURCE[:, :16])


def test_without_the_overlay_the_kept_part_has_gone_through_the_vae(engine):
    drawn = pixels(engine, Inpaint(mask=png(LEFT), mask_blur=0, overlay=False))
    assert not np.array_equal(drawn[:, 32:], SOURCE[:, 32:])


@pytest.mark.parametrize("sampler", ["Euler a", "DDIM", "UniPC"])
def test_soft_inpainting_changes_the_picture_where_the_mask_is_grey(engine, sampler):
    grey = png(np.linspace(0, 255, 64).astype(np.uint8)[None].repeat(64, 0))
    request = ASKED.model_copy(update={"sampler": sampler})
    hard = pixels(engine, Inpaint(mask=grey), request)
    soft = pixels(engine, Inpaint(mask=grey, soft=SoftInpainting()), request)
    assert soft.shape == hard.shape and not np.array_equal(soft, hard)


def test_a_picture_too_small_for_latent_resize_is_refused(engine):
    with pytest.raises(RequestError, match=r"Resize mode: .* 64x7"):
        pixels(engine, request=ASKED, image=png(SOURCE[:7]), resize_mode="Just resize (latent upscale)")


def test_latent_resize_makes_the_asked_size(engine):
    wide = ASKED.model_copy(update={"width": 96})
    assert pixels(engine, None, wide, resize_mode="Just resize (latent upscale)").shape == (64, 96, 3)


def test_colour_correction_comes_nearer_to_the_first_pictures_colours(engine):
    plain, corrected = (
        pixels(engine, denoising_strength=1.0, img2img_color_correction=on).mean((0, 1)) for on in (False, True)
    )
    wanted = SOURCE.mean((0, 1))
    assert np.abs(corrected - wanted).sum() < np.abs(plain - wanted).sum()


def test_noise_options_change_the_picture(engine):
    plain = pixels(engine)
    assert not np.array_equal(pixels(engine, initial_noise_multiplier=0.5), plain)
    noisy = ASKED.model_copy(update={"img2img_extra_noise": 0.2})
    assert not np.array_equal(pixels(engine, None, noisy), plain)


@pytest.mark.parametrize("field", ["image", "mask"])
def test_something_that_is_no_picture_is_named(engine, field):
    init = InitImage(
        image=b"nothing" if field == "image" else png(SOURCE),
        inpaint=Inpaint(mask=b"nothing") if field == "mask" else None,
    )
    with pytest.raises(RequestError, match=f"(?i){field}"):
        draw(engine, ASKED.model_copy(update={"init": init}))


def test_an_inpainted_picture_is_not_enlarged_by_hires_fix(engine):
    with pytest.raises(RequestError, match="Hires"):
        pixels(engine, Inpaint(mask=png(LEFT)), ASKED.model_copy(update={"hires": Hires(scale=1.5)}))


def test_an_upscaler_enlarges_the_picture_and_its_name_is_in_the_text(engine):
    small = png(SOURCE[::4, ::4])
    near, smooth, plain = (pixels(engine, image=small, denoising_strength=0.1, upscaler=name) for name in NAMES)
    assert not np.array_equal(near, smooth)
    assert np.array_equal(smooth, plain), "without an upscaler pictures are resampled by Lanczos"
    assert np.array_equal(near, pixels(engine, denoising_strength=0.1)), "squares that are enlarged stay squares"
    init = InitImage(image=small, upscaler="Nearest")
    (image,) = draw(engine, ASKED.model_copy(update={"init": init}))
    text = infotext.write(image.request, image.facts)
    assert "Upscaler: Nearest" in text and infotext.read(text).init.upscaler == "Nearest"
    with pytest.raises(RequestError, match="Upscaler: there is no 'x'; known are None, Lanczos"):
        pixels(engine, upscaler="x")


def test_an_upscaler_works_on_what_only_masked_puts_back(engine):
    large = np.kron(SOURCE[::8, ::8], np.ones((48, 48, 1), np.uint8))
    mask = np.zeros(large.shape[:2], np.uint8)
    mask[:, :200] = 255
    inpaint = Inpaint(mask=png(mask), mask_blur=0, area="Only masked", padding=0)
    near, smooth, _ = (pixels(engine, inpaint, image=png(large), upscaler=name) for name in NAMES)
    assert np.array_equal(near[:, 210:], large[:, 210:]) and not np.array_equal(near[:, :190], smooth[:, :190])
