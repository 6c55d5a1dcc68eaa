"""Tiling makes edges fit, token merging saves work, and both leave nothing behind."""

import pytest
import torch

from sdui.models.families import family_of
from sdui.models.families.base import Conditioning, Source
from sdui.models.header import read_header
from sdui.models.text import Texts
from sdui.models.token_merging import match_tokens
from tests.support.variants import random_weights, save

CPU = torch.device("cpu")
X = torch.randn(1, 4, 16, 24, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("patched")
    path = save(random_weights(folder), folder / "x.safetensors")
    return family_of(read_header(path).shapes).load(Source(path, None, CPU, torch.float32, ()))


def drawn(model, x=X):
    tokens = torch.full((len(x), 1, 77), 49407)
    context = model.encode_text(Texts(tokens, torch.ones(tokens.shape))).context
    return model.denoise(x, 1.0, 400.0, Conditioning(context))


def rolled(x, cells):
    return x.roll((cells, -cells), dims=(2, 3))


@torch.inference_mode()
def test_a_tiled_picture_has_no_edges(model):
    """Shifting around what goes in shifts what comes out: by a multiple of what the deepest level sees as one cell."""
    with model.patched(tiling=True, token_merging_ratio=0):
        assert torch.allclose(drawn(model, rolled(X, 8)), rolled(drawn(model), 8), atol=1e-4)
        assert torch.allclose(model.decode(rolled(X, 1)), rolled(model.decode(X), 8), atol=1e-4)
    assert not torch.allclose(drawn(model, rolled(X, 8)), rolled(drawn(model), 8), atol=1e-2)
    assert not torch.allclose(model.decode(rolled(X, 1)), rolled(model.decode(X), 8), atol=1e-2)


@torch.inference_mode()
@pytest.mark.parametrize("change", [{"tiling": True}, {"token_merging_ratio": 0.5}])
def test_leaving_undoes_everything_even_after_an_error(model, change):
    before, image = drawn(model), model.decode(X)
    weights = {key: tensor.clone() for key, tensor in model.unet.state_dict().items()}
    with (
        pytest.raises(ZeroDivisionError),
        model.patched(**{"tiling": False, "token_merging_ratio": 0.0} | change),
    ):
        assert not torch.equal(drawn(model), before)
        raise ZeroDivisionError
    assert torch.equal(drawn(model), before)
    assert torch.equal(model.decode(X), image)
    assert all(torch.equal(tensor, weights[key]) for key, tensor in model.unet.state_dict().items())


@torch.inference_mode()
def test_nothing_asked_changes_nothing(model):
    before = drawn(model)
    with model.patched(tiling=False, token_merging_ratio=0):
        assert torch.equal(drawn(model), before)


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(16, 24), (9, 11)])
def test_fewer_tokens_reach_self_attention_at_full_resolution(model, height, width):
    seen = []
    attention = model.unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1
    hook = attention.to_q.register_forward_hook(lambda module, args, output: seen.append(args[0].shape[1]))
    x = torch.randn(2, 4, height, width)
    with model.patched(tiling=False, token_merging_ratio=0.5):
        assert drawn(model, x).shape == x.shape
    hook.remove()
    assert seen == [height * width - height * width // 2]


def test_merged_tokens_are_averaged_into_the_most_alike_and_get_its_result():
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    # two squares of two by two side by side; of the six others two are merged: those that point as a target does
    others = torch.tensor([[3.0, 0.0], [0.5, 0.4], [0.4, 0.5], [-1.0, 0.1], [0.0, 5.0], [-1.0, -1.0]])
    x = torch.stack([targets[0], others[0], targets[1], *others[1:]])[None]
    matching = match_tokens(x, 2, 4, 0.25)
    merged = matching.merge(x)
    assert merged.shape == (1, 6, 2)
    assert merged[0, 4:].tolist() == [[2.0, 0.0], [0.0, 3.0]]
    back = matching.unmerge(merged)
    expected = x.clone()
    expected[0, [0, 1]], expected[0, [2, 6]] = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 3.0])
    # token 5 of the second row is `others[4]`
    assert torch.equal(back, expected)


@pytest.mark.parametrize(("height", "width"), [(1, 8), (8, 1), (1, 1)])
def test_a_picture_too_thin_to_merge_is_left_alone(height, width):
    assert match_tokens(torch.randn(1, height * width, 8), height, width, 0.5) is None
