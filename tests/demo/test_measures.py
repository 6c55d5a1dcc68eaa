"""What is said of a picture from its pixels is what one sees."""

import math

import numpy as np
import pytest

from sdui.demo import measures
from sdui.demo.concepts import PALETTE, TINTS, colour
from sdui.demo.measures import Box
from sdui.demo.scenes import Scene, Stage, Thing
from tests.support.demo_data import painted_sprites


def plain(name="white", width=128, height=128):
    return np.broadcast_to(colour(name), (height, width, 3)).copy()


def disc(thing, behind="white", radius=50, centre=(64, 64)):
    picture = plain(behind)
    rows, columns = np.ogrid[:128, :128]
    picture[(rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2] = thing
    return picture


@pytest.mark.parametrize("name", TINTS)
@pytest.mark.parametrize("light", [0.75, 1.0])
def test_a_thing_has_its_colour_in_light_and_shade_and_no_other(name, light):
    picture = disc(colour(name) * light)
    assert [other for other in TINTS if measures.has_colour(picture, other)] == [name]


def test_black_eyes_and_white_teeth_do_not_spoil_a_colour():
    picture = disc(colour("red"))
    picture[40:60, 40:90], picture[80:95, 40:90] = 0.05, 1.0
    assert measures.has_colour(picture, "red")
    assert not measures.has_colour(picture, "black")


def test_what_is_nearly_black_is_not_green():
    assert not measures.has_colour(disc(colour("green") * 0.2), "green")


def test_a_thing_is_not_blue_because_its_background_is():
    assert not measures.has_colour(disc(colour("red"), "blue"), "blue")


@pytest.mark.parametrize("name", PALETTE)
def test_a_background_is_called_by_its_name(name):
    picture = disc(np.array([0.4, 0.3, 0.2], np.float32), name)
    picture[:, :2] = 0.5
    assert measures.background_name(np.clip(picture + 0.03, 0, 1)) == name
    assert measures.background_distance(picture, name) < 0.1


@pytest.mark.parametrize(
    ("seen", "name"),
    [((0, 0, 0.5), "blue"), ((1, 0.25, 0.58), "pink"), ((0.85, 0.08, 0.25), "red"), ((1, 0.35, 0), "orange")],
)
def test_a_background_may_be_darker_or_stronger_than_the_palette(seen, name):
    picture = np.full((128, 128, 3), seen, np.float32)
    assert measures.background_name(picture) == name
    assert measures.background_distance(picture, name) > 10


def test_a_white_background_is_not_tinted_though_the_thing_touches_an_edge():
    picture = disc(colour("red"), centre=(50, 64))
    assert measures.background_distance(picture, "white") < 0.1
    assert not measures.is_tinted(picture)


def test_a_cream_background_is_tinted():
    picture = disc(colour("red")) * np.array([1, 0.98, 0.93], np.float32)
    assert measures.is_tinted(picture)


def test_colourfulness_is_of_colour_alone():
    assert measures.colourfulness(plain("gray") * 0.5) < 5 < measures.colourfulness(plain("red"))


def test_psnr():
    assert measures.psnr(np.full((8, 8, 3), 0.6, np.float32), np.full((8, 8, 3), 0.5, np.float32)) == pytest.approx(20)
    assert measures.psnr(plain(), plain()) == math.inf


def test_a_close_up_has_the_thing_in_the_middle_and_as_large_as_it_fits():
    small = measures.close_up(disc(colour("red"), "blue", 12, (100, 20)))
    large = measures.close_up(disc(colour("red"), "blue", 50))
    assert small.shape[0] == small.shape[1] < 32
    assert [measures.things(one).mean() for one in (small, large)] == pytest.approx([0.6, 0.6], abs=0.06)


def test_there_is_no_close_up_of_nothing():
    assert measures.close_up(plain("blue")) is None


def test_oblong_pictures_are_squared():
    assert measures.squared(plain(width=192)).shape == (128, 128, 3)
    wide = plain(width=192)
    wide[30:90, 100:150] = 0
    assert measures.things(measures.squared(wide)).mean() > 0.5


@pytest.mark.parametrize("count", [2, 3])
def test_each_part_of_a_scene_with_several_things_has_one_of_them(count):
    stage = Stage(painted_sprites(2))
    one = measures.close_up(stage.show(Scene((Thing("apple"),), "flat")))
    several = stage.show(Scene((Thing("apple"),) * count, "flat"))
    shares = [measures.things(measures.close_up(several, part)).mean() for part in measures.parts(several, count)]
    assert shares == pytest.approx([measures.things(one).mean()] * count, abs=0.05)


def test_a_shape_is_the_same_elsewhere_smaller_and_mirrored_but_not_twice_or_stretched():
    stage = Stage(painted_sprites(1))
    scene = Scene((Thing("apple"),), "flat")
    one = stage.show(scene)
    elsewhere = stage.show(Scene((Thing("apple"),), "flat", "blue", placing=3))
    twice = stage.show(Scene((Thing("apple"),) * 2, "flat"))
    assert measures.same_shape(elsewhere[:, ::-1], one) > 0.9
    assert measures.same_shape(twice, one) < 0.6
    assert measures.same_shape(np.repeat(one, 2, 1), one) < 0.6
    assert measures.same_shape(plain(), one) == 0


def test_overlap_of_boxes():
    box = Box(0, 0, 10, 10)
    assert measures.overlap(box, box) == 1
    assert measures.overlap(box, Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert measures.overlap(box, Box(20, 20, 30, 30)) == 0
    assert measures.overlap(box, None) == 0
