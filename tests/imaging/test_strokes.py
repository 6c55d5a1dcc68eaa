"""Strokes over a picture: where there are none, nothing changes."""

import io

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import RequestError
from sdui.imaging.strokes import painted, png, seen_through, stroke_mask

PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8))


def stroke(box, colour, size=(60, 40)):
    layer = Image.new("RGBA", size)
    layer.paste(colour, box)
    return png(layer)


RED, FAINT = stroke((5, 5, 20, 20), (255, 0, 0, 255)), stroke((30, 10, 50, 30), (0, 0, 255, 1))


def test_the_mask_is_wherever_any_layer_has_colour():
    mask = np.asarray(stroke_mask([RED, FAINT], PICTURE.size, "Mask"))
    expected = np.zeros((40, 60), np.uint8)
    expected[5:20, 5:20] = expected[10:30, 30:50] = 255
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_what_is_not_painted_on_keeps_its_very_pixels(mode):
    picture = PICTURE.convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    made = painted(picture, [RED], "Image")
    assert made.mode == ("RGBA" if mode == "RGBA" else "RGB")
    before, after = np.asarray(picture.convert(made.mode)), np.asarray(made)
    changed = np.zeros((40, 60), bool)
    changed[5:20, 5:20] = True
    assert np.array_equal(before[~changed], after[~changed])
    assert (after[changed][:, :3] == (255, 0, 0)).all()


def test_transparency_fades_strokes_and_mask():
    whole, mask = seen_through(PICTURE, [RED], 0, 0, "Image")
    assert np.array_equal(np.asarray(whole), np.asarray(painted(PICTURE, [RED], "Image")))
    assert np.array_equal(np.asarray(mask), np.asarray(stroke_mask([RED], PICTURE.size, "Image")))
    faded, grey = seen_through(PICTURE, [RED], 60, 0, "Image")
    expected = 0.4 * np.array((255, 0, 0)) + 0.6 * np.asarray(PICTURE)[10, 10]
    assert np.abs(np.asarray(faded)[10, 10] - expected).max() <= 1
    assert set(np.unique(np.asarray(grey))) == {0, 102}
    gone, nothing = seen_through(PICTURE, [RED], 100, 4, "Image")
    assert np.array_equal(np.asarray(gone), np.asarray(PICTURE)) and not np.asarray(nothing).any()


def test_blur_softens_only_the_edges():
    sharp, soft = (np.asarray(seen_through(PICTURE, [RED], 0, blur, "Image")[0]) for blur in (0, 1))
    assert not np.array_equal(sharp[5:20, 5:20], soft[5:20, 5:20])
    assert np.array_equal(sharp[:, 30:], soft[:, 30:])


def test_strokes_that_lost_their_picture_are_refused_and_empty_ones_are_none():
    empty = png(Image.new("RGBA", (800, 800)))
    assert not np.asarray(stroke_mask([empty], PICTURE.size, "Mask")).any()
    with pytest.raises(RequestError, match="Mask: what was painted is 800x800, the picture 60x40"):
        stroke_mask([stroke((1, 1, 9, 9), "red", (800, 800))], PICTURE.size, "Mask")


def test_a_png_holds_the_very_pixels():
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(PICTURE)))), np.asarray(PICTURE))
