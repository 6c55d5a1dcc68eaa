"""Hypernetworks change what attention looks at as their files say, and leave nothing behind."""

import pytest
import torch
from torch import nn

from sdui.core.errors import ModelFileError
from sdui.models.hypernetworks import Hypernetwork, applied, read_hypernetwork
from sdui.models.token_merging import merged_tokens
from tests.support.checkpoints import FIXTURES
from tests.support.networks import sd1_networks

CPU = torch.device("cpu")
WIDTH = 32


@pytest.fixture(scope="module")
def unet():
    return sd1_networks()["unet"].eval()


@torch.inference_mode()
def drawn(unet):
    generator = torch.Generator().manual_seed(1)
    x, context = torch.randn(1, 4, 16, 16, generator=generator), torch.randn(1, 7, WIDTH, generator=generator)
    return unet(x, torch.tensor([500.0]), encoder_hidden_states=context).sample


def reference(names: list[str], dropped: int = 0) -> nn.Sequential:
    """Layers that the file has under these names; `dropped` widths are doubled inside."""
    torch.manual_seed(len(names))
    return nn.Sequential(*[getattr(nn, name)(*given) for name, *given in names])


def written(path, network, **facts):
    """As A1111 writes a file, both networks alike."""
    state = {f"linear.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({WIDTH: (state, dict(state)), "name": "x", "step": 1} | facts, path)
    return read_hypernetwork(path, CPU, torch.float32)


DEFAULT = [("Linear", WIDTH, 2 * WIDTH), ("Linear", 2 * WIDTH, WIDTH)]


@pytest.mark.parametrize(
    ("layers", "facts"),
    [
        (DEFAULT, {}),
        (DEFAULT, {"layer_structure": [1, 2, 1], "activation_func": "linear", "use_dropout": False}),
        ([DEFAULT[0], ("ReLU",), DEFAULT[1], ("ReLU",)], {"activation_func": "relu"}),
        ([DEFAULT[0], ("Hardswish",), DEFAULT[1]], {"activation_func": "swish", "activate_output": False}),
        ([DEFAULT[0], ("Mish",), DEFAULT[1], ("Mish",)], {"activation_func": "mish", "activate_output": True}),
        (
            [DEFAULT[0], ("Tanh",), ("LayerNorm", 2 * WIDTH), DEFAULT[1], ("Tanh",), ("LayerNorm", WIDTH)],
            {"activation_func": "tanh", "is_layer_norm": True},
        ),
        (
            [DEFAULT[0], ("ELU",), ("Dropout", 0.3), ("Linear", 2 * WIDTH, 2 * WIDTH), ("ELU",), DEFAULT[1]],
            {
                "activation_func": "elu",
                "layer_structure": [1, 2, 2, 1],
                "use_dropout": True,
                "activate_output": False,
            },
        ),
        (
            [DEFAULT[0], ("Dropout", 0.2), DEFAULT[1]],
            {"layer_structure": [1, 2, 1], "dropout_structure": [0, 0.2, 0], "activation_func": None},
        ),
    ],
)
def test_the_layers_are_those_that_the_file_describes(tmp_path, layers, facts):
    network = reference(layers).eval()
    read = written(tmp_path / "x.pt", network, **facts)
    seen = torch.randn(1, 3, WIDTH)
    assert torch.equal(read.layers[WIDTH][0](seen), network(seen))
    assert not any(parameter.requires_grad for parameter in read.layers[WIDTH][1].parameters())


def test_the_oldest_files_call_their_layers_otherwise(tmp_path):
    network = reference(DEFAULT)
    names = {"0.": "linear1.", "1.": "linear2."}
    state = {names[name[:2]] + name[2:]: tensor for name, tensor in network.state_dict().items()}
    torch.save({WIDTH: (state, dict(state))}, tmp_path / "x.pt")
    read = read_hypernetwork(tmp_path / "x.pt", CPU, torch.float32)
    seen = torch.randn(1, 3, WIDTH)
    assert torch.equal(read.layers[WIDTH][1](seen), network(seen))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"layer_structure": [1, 3, 1]}, "size mismatch"),
        ({"activation_func": "maybe"}, "no activation 'maybe'"),
        ({"layer_structure": "wide"}, "not as it describes"),
        ({"dropout_structure": [0]}, "not as it describes"),
    ],
)
def test_a_file_that_lies_about_itself_is_told_of(tmp_path, facts, words):
    with pytest.raises(ModelFileError, match=rf"(?s)x\.pt .*{words}"):
        written(tmp_path / "x.pt", reference(DEFAULT), **facts)


def test_another_file_is_no_hypernetwork():
    with pytest.raises(ModelFileError, match="is no hypernetwork"):
        read_hypernetwork(FIXTURES / "embeddings" / "ti-pt.pt", CPU, torch.float32)


def scaling(factor: float, width: int = WIDTH) -> Hypernetwork:
    """Before the keys nothing happens; what comes before the values is what is seen times `factor`."""
    keys, values = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
    with torch.no_grad():
        keys.weight.zero_()
        values.weight.copy_(torch.eye(width) * factor)
    return Hypernetwork({width: (keys, values)})


def test_they_count_one_after_another_with_their_strengths(unet):
    """(1 + 1 * 0.5) * (1 + -0.5 * 2) = 0, so that attention has nothing to say."""
    chosen = [(scaling(1.0), 0.5), (scaling(-0.5), 2.0)]
    with applied(unet, chosen):
        silent = drawn(unet)
    kept = {}
    for name, module in unet.named_modules():
        if name.endswith("to_v") and module.in_features == WIDTH:
            kept[module] = module.weight
            module.weight = nn.Parameter(torch.zeros_like(module.weight), requires_grad=False)
    assert torch.allclose(drawn(unet), silent, atol=1e-6)
    for module, weight in kept.items():
        module.weight = weight


def test_other_widths_and_no_strength_change_nothing(unet):
    before = drawn(unet)
    with applied(unet, [(scaling(1.0, 48), 1.0), (scaling(1.0), 0.0)]):
        assert torch.equal(drawn(unet), before)


def test_leaving_undoes_everything_even_after_an_error(unet):
    before = drawn(unet)
    with pytest.raises(ZeroDivisionError), applied(unet, [(scaling(1.0), 1.0)]):
        assert not torch.equal(drawn(unet), before)
        raise ZeroDivisionError
    assert torch.equal(drawn(unet), before)
    assert not any(module._forward_pre_hooks for module in unet.modules())


def test_token_merging_goes_together_with_it(unet):
    """Merged tokens are what a hypernetwork sees: entering one before or after the other makes no difference."""
    chosen = [(scaling(1.0), 0.7)]
    with merged_tokens(unet, 0.5):
        merged = drawn(unet)
        with applied(unet, chosen):
            inside = drawn(unet)
    with applied(unet, chosen), merged_tokens(unet, 0.5):
        outside = drawn(unet)
    assert torch.equal(inside, outside)
    assert not torch.allclose(inside, merged, atol=1e-4)
