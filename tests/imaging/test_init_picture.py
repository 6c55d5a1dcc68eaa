"""From the user's picture and mask to what the network sees, and from what it drew to the finished picture."""

import io

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import RequestError
from sdui.core.stages import RESIZE_MODES, InitImage, Inpaint
from sdui.imaging.init_picture import prepare
from tests.imaging.test_pixels import encoded

LATENT = RESIZE_MODES[3]


def picture(width=96, height=64):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return encoded(Image.fromarray(pixels))


def mask(width=96, height=64, box=(40, 24, 56, 40)):
    image = Image.new("L", (width, height))
    image.paste(255, box)
    return encoded(image)


def init(image=None, mask_data=None, **options):
    names = {name for name in options if name in Inpaint.model_fields}
    inpaint = {name: options.pop(name) for name in names}
    given = Inpaint(mask=mask_data, **inpaint) if mask_data else None
    return InitImage(image=image or picture(), inpaint=given, **options)


def original(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("mode", RESIZE_MODES[:3])
def test_the_picture_gets_the_size_that_is_drawn(mode):
    assert prepare(init(resize_mode=mode), 64, 72).pixels.shape == (72, 64, 3)


def test_latents_are_resized_instead_of_the_picture_when_asked():
    assert prepare(init(resize_mode=LATENT), 64, 72).pixels.shape == (64, 96, 3)


def test_without_a_mask_the_drawn_picture_is_the_result():
    drawn = np.zeros((64, 96, 3), np.uint8)
    assert prepare(init(), 96, 64).finish(drawn) is drawn


@pytest.mark.parametrize("area", ["Whole picture", "Only masked"])
def test_what_is_not_masked_stays_as_it_was(area):
    image = picture()
    prepared = prepare(init(image, mask(), mask_blur=2, area=area, padding=8), 128, 64)
    assert prepared.pixels.shape == (64, 128, 3) and prepared.inpainting.mask.shape == (64, 128)
    result = prepared.finish(np.zeros((64, 128, 3), np.uint8))
    if area == "Only masked":
        assert result.shape == (64, 96, 3)
        assert (result[:16] == original(image)[:16]).all() and (result[28:36, 44:52] < 12).all()
    else:
        assert (result[:, :32] == prepared.pixels[:, :32]).all() and (result[28:36, 60:68] == 0).all()


def test_only_masked_draws_the_part_around_the_mask():
    image = picture()
    prepared = prepare(init(image, mask(), mask_blur=0, area="Only masked", padding=0), 64, 64)
    part = Image.fromarray(original(image)[24:40, 40:56]).resize((64, 64), Image.Resampling.LANCZOS)
    assert np.array_equal(prepared.pixels, part) and (prepared.inpainting.mask == 255).all()


def test_only_masked_without_a_mask_draws_all_and_says_so():
    prepared = prepare(init(mask_data=mask(box=(0, 0, 0, 0)), area="Only masked"), 96, 64)
    assert prepared.inpainting is None and "nothing is masked" in prepared.notice


def test_a_mask_of_another_size_fits_the_picture():
    for area in ("Whole picture", "Only masked"):
        data = mask(48, 32, (20, 12, 28, 20))
        prepared = prepare(init(mask_data=data, mask_blur=0, area=area, padding=4), 96, 64)
        result = prepared.finish(np.zeros((64, 96, 3), np.uint8))
        assert result.shape == (64, 96, 3) and (result[28:36, 44:52] < 12).all()
        assert (result[:16] == prepared.inpainting.original[:16]).all()


def test_latent_upscale_with_a_mask_needs_the_picture_s_own_size():
    given = init(mask_data=mask(), resize_mode=LATENT)
    assert prepare(given, 96, 64).inpainting is not None
    with pytest.raises(RequestError, match=r"Resize mode.*96x64"):
        prepare(given, 64, 64)


def test_an_inpainting_checkpoint_is_shown_a_mask_without_grey_unless_asked():
    data = encoded(Image.new("L", (96, 64), 102))
    for rounded, seen in ((True, 0.0), (False, 0.4)):
        prepared = prepare(init(mask_data=data, mask_round=rounded), 96, 64)
        assert np.allclose(prepared.inpainting.conditioning_mask(), seen)


def test_the_original_is_left_out_when_overlay_is_off():
    drawn = np.zeros((64, 96, 3), np.uint8)
    assert (prepare(init(mask_data=mask(), overlay=False), 96, 64).finish(drawn) == 0).all()


def test_every_fill_but_the_original_hides_what_is_masked():
    whole = prepare(init(mask_data=mask(), fill="original"), 96, 64).pixels
    for fill in ("fill", "latent noise", "latent nothing"):
        pixels = prepare(init(mask_data=mask(), mask_blur=0, fill=fill), 96, 64).pixels
        assert pixels[26:38, 42:54].std() < whole[26:38, 42:54].std() / 2


def test_colours_are_corrected_before_the_original_is_put_back():
    image = picture()
    prepared = prepare(init(image, mask(), img2img_color_correction=True), 96, 64)
    result = prepared.finish(np.full((64, 96, 3), 128, np.uint8) - original(image) // 4)
    assert (result[:8] == original(image)[:8]).all()
    assert result[28:36, 44:52].std() > 30


def test_soft_inpainting_s_mask_decides_what_shows():
    image = picture()
    prepared = prepare(init(image, mask()), 96, 64)
    drawn, cells = np.zeros((64, 96, 3), np.uint8), np.zeros((8, 12), np.uint8)
    assert np.array_equal(prepared.finish(drawn, cells), original(image))
    assert (prepared.finish(drawn, cells + 255) == 0).all()


def test_what_is_no_picture_is_refused_by_its_field():
    with pytest.raises(RequestError, match=r"^Image: "):
        prepare(init(b"no picture"), 96, 64)
    with pytest.raises(RequestError, match=r"^Mask: "):
        prepare(init(mask_data=b"no picture"), 96, 64)
