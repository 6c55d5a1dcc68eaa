"""Masks, as users hand them in and as the network sees them."""

import numpy as np
from PIL import Image

from sdui.core.stages import Inpaint, SoftInpainting
from sdui.imaging.masks import latent_cells, overlaid, read_mask
from tests.imaging.test_pixels import encoded
from tests.imaging.test_resize import A1111, pixels


def half(left=0, right=255):
    image = Image.new("L", (64, 64), left)
    image.paste(right, (32, 0, 64, 64))
    return encoded(image)


def read(data, **options):
    return np.asarray(read_mask(Inpaint(mask=data, **{"mask_blur": 0} | options)))


def test_a_transparent_picture_masks_where_it_is_opaque():
    drawn = (A1111 / "rgba.png").read_bytes()
    assert np.array_equal(read(drawn), pixels("binmask_rgba.png", "L"))


def test_alpha_keeps_its_shades_for_soft_inpainting_or_when_asked():
    image = encoded(Image.new("RGBA", (8, 8), (255, 255, 255, 100)))
    assert (read(image) == 0).all()
    assert (read(image, mask_round=False) == 100).all()
    assert (read(image, soft=SoftInpainting()) == 100).all()


def test_the_other_part_is_masked_when_the_mask_is_inverted():
    assert np.array_equal(read(half(), mask_mode="Inpaint not masked"), 255 - read(half()))


def test_blur_softens_the_edge_and_leaves_the_rest():
    mask = read(half(), mask_blur=4)
    assert mask[0, 0] == 0 and mask[0, 63] == 255
    assert (np.diff(mask[10].astype(int)) >= 0).all() and 60 < mask[10, 31] < 195


def test_blur_across_and_down_are_apart():
    assert set(np.unique(read(half(), mask_blur=4, mask_blur_x=0))) == {0, 255}
    assert np.array_equal(read(half(), mask_blur=4, mask_blur_y=0), read(half(), mask_blur=4))


def test_a_latent_cell_is_drawn_when_most_of_it_is_masked():
    mask = np.zeros((16, 16), np.uint8)
    mask[:, :8] = 255
    assert latent_cells(mask, 2, 2, rounded=True).tolist() == [[1, 0], [1, 0]]


def test_a_grey_cell_stays_grey_unless_rounded():
    mask = np.full((16, 16), 51, np.uint8)
    assert np.allclose(latent_cells(mask, 2, 2, rounded=False), 0.2)
    assert (latent_cells(mask, 2, 2, rounded=True) == 0).all()


def test_the_original_shows_where_nothing_is_masked():
    generator = np.random.default_rng(0)
    original, drawn = (generator.integers(0, 256, (16, 16, 3), np.uint8) for _ in range(2))
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8:] = 255
    mixed = np.asarray(overlaid(*(Image.fromarray(pixels) for pixels in (drawn, original, mask))))
    assert (mixed[:, :8] == original[:, :8]).all() and (mixed[:, 8:] == drawn[:, 8:]).all()
