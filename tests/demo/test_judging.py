"""Each limit is judged by what its pictures show."""

from dataclasses import replace

import numpy as np
import pytest

from sdui.demo.features import Seen
from sdui.demo.judging import Judge
from sdui.demo.prompts import Case
from sdui.demo.scenes import Scene, Stage, Thing
from tests.support.demo_data import painted_sprites

STAGE = Stage(painted_sprites(4))
APPLE = Case(Scene((Thing("apple"),), "flat"), "an apple, flat style", 1)
PURPLE = Case(Scene((Thing("apple", "purple"),), "flat", "blue"), "a purple apple on a blue background, flat style", 2)
LIMITS = ("guidance", "two", "plurals", "sizes", "not colour", "not style", "not background")
EDITING = ("img2img", "repair", "replace")


class Told:
    """A space in which pictures look like what it was told, one after the other."""

    def __init__(self, *seen):
        self._seen = list(seen)

    def nearest(self, pictures):
        return [self._seen.pop(0) for _ in pictures]

    def likeness(self, pictures, wanted):
        return [0.5] * len(pictures)


def right(case):
    return STAGE.show(case.scene)


def seen(name="apple", style="flat"):
    return Seen(name, style)


def measured(cases=(), limits=None, looks=(), picture_of=right):
    every = dict.fromkeys(LIMITS + EDITING, ()) | (limits or {})
    return Judge(picture_of, STAGE, Told(*looks)).measured(cases, every)


def test_true_pictures_obey():
    found = measured([APPLE, PURPLE], looks=[seen(), seen()])
    everything = found.everything
    assert (everything.objects, everything.styles, everything.colours, everything.backgrounds) == (1, 1, 1, 1)
    assert (found.tinted, found.by_colour, found.by_background) == (0, {"purple": 1}, {"blue": 1})


def test_other_pictures_do_not():
    drawn = {APPLE: right(PURPLE), PURPLE: right(APPLE)}
    found = measured([APPLE, PURPLE], looks=[seen("banana"), seen(style="icon")], picture_of=drawn.get)
    everything = found.everything
    assert (everything.objects, everything.styles, everything.colours, everything.backgrounds) == (0.5, 0.5, 0, 0)
    assert found.tinted == 1


def test_what_no_prompt_names_is_unknown():
    found = measured([APPLE], looks=[seen()])
    assert (found.everything.colours, found.everything.backgrounds, found.two) == (None, None, None)


@pytest.mark.parametrize(("names", "share"), [(("dog", "cat"), 1), (("cat", "cat"), 0)])
def test_two_objects_must_both_be_there_in_any_order(names, share):
    case = replace(APPLE, scene=Scene((Thing("apple"), Thing("banana")), "flat"))
    wanted = replace(case, scene=Scene((Thing("cat"), Thing("dog")), "flat"))
    found = measured(limits={"two": (wanted,)}, looks=map(seen, names), picture_of=lambda _: right(case))
    assert found.two == share


def test_of_two_objects_one_alone_is_not_enough():
    pair = replace(APPLE, scene=replace(APPLE.scene, things=(Thing("apple"),) * 2))
    picture = right(pair)
    picture[:, 64:] = 1
    assert measured(limits={"plurals": (pair,)}, looks=[seen(), seen()], picture_of=lambda _: picture).plurals == 0


def test_too_much_colour_is_above_one():
    def vivid(case):
        picture = right(case)
        grey = picture.mean(-1, keepdims=True)
        return np.clip(grey + 1.5 * (picture - grey), 0, 1)

    strong = replace(PURPLE, guidance=6.0)
    found = measured(limits={"guidance": (strong,)}, looks=[seen()], picture_of=vivid)
    assert found.colourfulness_strong > 1.2


def test_an_unwanted_colour_has_to_go():
    unwanted = replace(PURPLE, negative="purple")
    drawn = {unwanted: right(APPLE), unwanted.usual: right(PURPLE)}
    found = measured(limits={"not colour": (unwanted,)}, looks=[seen()], picture_of=drawn.get)
    assert found.not_colour == 1
    found = measured(limits={"not colour": (unwanted,)}, looks=[seen()], picture_of=right)
    assert found.not_colour == 0


@pytest.mark.parametrize(("background", "share"), [("white", 0), ("pink", 1)])
def test_an_unwanted_background_has_to_go(background, share):
    case = replace(APPLE, negative="white background")
    picture = right(replace(APPLE, scene=replace(APPLE.scene, background=background)))
    drawn = {case: picture, case.usual: right(APPLE)}
    found = measured(limits={"not background": (case,)}, looks=[seen()], picture_of=drawn.get)
    assert (found.not_background, found.negative_objects) == (share, 1)


def test_img2img_keeps_the_object_in_its_place():
    start = replace(APPLE.scene, placing=7)
    case = Case(replace(start, background="blue"), "an apple on a blue background, flat style", 3, start=start)
    kept = measured(limits={"img2img": (case,)}, looks=[seen()])
    moved = measured(limits={"img2img": (case,)}, looks=[seen()], picture_of=lambda _: right(APPLE))
    assert (kept.img2img, kept.layout) == (1, 1)
    assert (moved.img2img, moved.layout) == (0, 0)


def test_inpainting_leaves_the_edge_as_it_is():
    case = replace(APPLE, start=APPLE.scene, masked=0.6)
    changed = right(case)
    changed[:4] = 0.9
    assert measured(limits={"repair": (case,)}, looks=[seen()]).repaired == 1
    assert measured(limits={"repair": (case,)}, looks=[seen()], picture_of=lambda _: changed).repaired == 0


def test_an_unwanted_style_has_to_go_where_it_was():
    case = replace(APPLE, scene=replace(APPLE.scene, style="3d"), negative="3d style")
    two = (case, replace(case, seed=5))
    found = measured(limits={"not style": two}, looks=[seen(), seen(style="3d"), seen(style="3d"), seen()])
    assert found.not_style == 1


def test_another_size_must_not_have_the_object_twice():
    wide = replace(APPLE, scene=replace(APPLE.scene, width=192))
    twice = right(replace(wide, scene=replace(wide.scene, things=(Thing("apple"),) * 2)))
    assert measured(limits={"sizes": (wide,)}, looks=[seen()]).sizes == 1
    assert measured(limits={"sizes": (wide,)}, looks=[seen()], picture_of=lambda _: twice).sizes == 0
