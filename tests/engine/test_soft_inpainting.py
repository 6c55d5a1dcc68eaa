"""Soft inpainting: mixing while sampling, and which part of the original shows afterwards."""

import numpy as np
import pytest
import torch

from sdui.core.stages import SoftInpainting
from sdui.engine.soft_inpainting import blend, changed_cells

SETTINGS = SoftInpainting()


def latents(count=1, seed=0):
    return torch.randn(count, 4, 6, 8, generator=torch.Generator().manual_seed(seed))


def test_what_is_kept_stays_and_what_is_drawn_is_drawn():
    init, drawn = latents(), latents(2, 1)
    mask = torch.zeros(6, 8)
    mask[:, 4:] = 1
    mixed = blend(init, drawn, mask, 1.0, SETTINGS)
    torch.testing.assert_close(mixed[..., :4], init[..., :4].expand(2, -1, -1, -1), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mixed[..., 4:], drawn[..., 4:], atol=1e-4, rtol=1e-4)


def test_the_picture_is_kept_more_at_high_levels_than_at_low_ones():
    init, drawn, grey = latents(), latents(seed=1), torch.full((6, 8), 0.5)
    distances = [(blend(init, drawn, grey, level, SETTINGS) - init).norm() for level in (0.1, 1.0, 10.0)]
    assert distances == sorted(distances, reverse=True)


def test_mixing_opposites_keeps_the_length_when_contrast_is_boosted():
    init, drawn, grey = latents(), latents(seed=1), torch.full((6, 8), 0.5)
    plain, boosted = (
        blend(init, drawn, grey, 1.0, SoftInpainting(transition_contrast_boost=boost)).norm() for boost in (1, 32)
    )
    assert plain < boosted <= torch.maximum(init.norm(dim=1), drawn.norm(dim=1)).norm() * 1.001


@pytest.mark.parametrize("boost", [1.0, 32.0])
@pytest.mark.parametrize("level", [0.0, 0.03, 981.0, 4000.0])
def test_extreme_levels_and_settings_give_finite_latents(boost, level):
    settings = SoftInpainting(transition_contrast_boost=boost, schedule_bias=8, preservation_strength=8)
    mixed = blend(latents(), latents(seed=1) * 1e4, torch.rand(6, 8), level, settings)
    assert mixed.isfinite().all()


def test_the_original_shows_where_nothing_has_changed():
    init = latents()
    after = init.expand(2, -1, -1, -1).clone()
    after[1, :, :, 5:] += 10
    same, changed = changed_cells(init, after, torch.full((6, 8), 0.5), SETTINGS)
    assert same.shape == (6, 8) and same.dtype == np.uint8 and (same == 0).all()
    assert (changed[:, :2] == 0).all() and (changed[:, 6:] > 250).all()


def test_with_full_influence_the_mask_decides():
    settings = SoftInpainting(mask_influence=1.0)
    mask = torch.zeros(6, 8)
    mask[:, 4:] = 1
    (cells,) = changed_cells(latents(), latents(seed=1), mask, settings)
    assert (cells[:, :4] < 10).all() and (cells[:, 4:] == 255).all()


def test_without_a_threshold_any_change_counts():
    init = latents()
    after = init.clone()
    after[..., 4:] += 0.01
    (cells,) = changed_cells(init, after, torch.rand(6, 8), SoftInpainting(difference_threshold=0.0))
    assert (cells[:, :1] == 0).all() and (cells[:, 5:] == 255).all()


def test_a_few_changed_cells_show_as_a1111_shows_them():
    init = torch.zeros(1, 4, 5, 5)
    after = init.clone()
    after[0, 0, 2, 2], after[0, 1, 4, 0], after[0, 0, 0, 3:] = 1.0, 0.8, 0.6
    (cells,) = changed_cells(init, after, torch.ones(5, 5), SETTINGS)
    assert cells.tolist() == [
        [0, 58, 179, 185, 179],
        [16, 130, 199, 198, 183],
        [121, 184, 203, 188, 123],
        [184, 192, 178, 95, 9],
        [192, 184, 115, 8, 0],
    ]
