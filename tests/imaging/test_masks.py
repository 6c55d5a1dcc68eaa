"""Pictures and masks for img2img, as users hand them in."""

import io

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import RequestError
from sdui.imaging.masks import mask_cells, overlay, read_mask, read_picture


def encoded(image):
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def test_a_picture_of_any_kind_and_size_becomes_rgb_of_the_wanted_size():
    for mode in ("RGB", "L", "P", "RGBA", "I;16"):
        assert read_picture(encoded(Image.new(mode, (50, 30))), 64, 72).shape == (72, 64, 3)


def test_what_is_transparent_becomes_white():
    assert (read_picture(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0))), 8, 8) == 255).all()


@pytest.mark.parametrize(
    ("read", "field"), [(lambda d: read_picture(d, 8, 8), "Image"), (lambda d: read_mask(d, 8, 8, 4), "Mask")]
)
def test_what_is_no_picture_is_refused_by_its_field(read, field):
    with pytest.raises(RequestError, match=field):
        read(b"no picture")


def test_blur_softens_the_edge_and_leaves_the_rest():
    image = Image.new("L", (64, 64), 0)
    image.paste(255, (32, 0, 64, 64))
    mask = read_mask(encoded(image), 64, 64, 4)
    assert mask[0, 0] == 0 and mask[0, 63] == 255
    assert (np.diff(mask[10].astype(int)) >= 0).all() and 60 < mask[10, 31] < 195
    assert set(np.unique(read_mask(encoded(image), 64, 64, 0))) == {0, 255}


def test_pixels_outside_the_mask_stay_as_they_were():
    generator = np.random.default_rng(0)
    original, drawn = (generator.integers(0, 256, (16, 16, 3), np.uint8) for _ in range(2))
    mask = np.zeros((16, 16), np.uint8)
    mask[:, 8:] = 255
    mixed = overlay(original, drawn, mask)
    assert (mixed[:, :8] == original[:, :8]).all() and (mixed[:, 8:] == drawn[:, 8:]).all()


def test_a_latent_cell_is_drawn_when_most_of_it_is_masked():
    mask = np.zeros((16, 16), np.uint8)
    mask[:, :8] = 255
    assert mask_cells(mask, 2, 2).tolist() == [[1, 0], [1, 0]]
