"""Pictures look like the reference whose features are nearest; features are learned once."""

import numpy as np
import pytest
import torch
from torch import nn

from sdui.demo.concepts import CONCEPTS
from sdui.demo.features import SIDE, Features, Learning, Seen, features
from sdui.demo.scenes import Scene, Stage, Thing
from tests.support.demo_data import painted_sprites

FIRST = CONCEPTS[0].name
SHADED, FLAT, ICON = (Seen(FIRST, style) for style in ("3d", "flat", "icon"))


class MeanColour(nn.Module):
    """Of which the features are red, green and blue."""

    def forward(self, pictures):
        assert pictures.shape[1:] == (3, SIDE, SIDE)
        return pictures.mean((2, 3))


def of_colour(*colour, side=128):
    return np.full((side, side, 3), colour, np.float32)


@pytest.fixture
def by_colour():
    return Features(MeanColour(), torch.eye(3))


def test_a_picture_of_any_size_looks_like_the_nearest_reference(by_colour):
    pictures = [of_colour(0.5, 0.9, 0.5), of_colour(0.9, 0.5, 0.5, side=31), of_colour(0.4, 0.4, 0.8, side=192)]
    assert by_colour.nearest(pictures) == [FLAT, SHADED, ICON]


def test_likeness_is_one_for_what_is_the_same(by_colour):
    picture = of_colour(0.75, 0.5, 0.5)
    assert by_colour.likeness([picture, picture], [SHADED, ICON]) == pytest.approx([1, 0], abs=0.02)


def test_of_no_pictures_nothing_is_said(by_colour):
    assert by_colour.nearest([]) == []


def test_features_are_learned_only_once(tmp_path):
    stage = Stage(painted_sprites(1))
    picture = stage.show(Scene((Thing(FIRST),), "flat"))
    learned = features(stage, tmp_path, Learning(objects=1, variants=2, steps=2, batch=4))
    again = features(Stage({}), tmp_path)
    assert again.likeness([picture], [FLAT]) == learned.likeness([picture], [FLAT])
