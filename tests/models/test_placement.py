"""What is on the device at a time. The meta device, which holds shapes without values, stands in for a GPU."""

import pytest
import torch

from sdui.models.families.base import Conditioning
from sdui.models.placement import fastest_mode
from tests.support.models import X, computed, make_store, same, write_checkpoints

CPU, META = torch.device("cpu"), torch.device("meta")


@pytest.fixture(scope="module")
def leased(tmp_path_factory):
    folder = tmp_path_factory.mktemp("placement")
    write_checkpoints(folder, "a")
    with make_store(folder).lease("a", "", lambda name: None) as lease:
        yield lease.model


@pytest.fixture
def model(leased):
    yield leased
    leased.placement.retreat()
    leased.placement.settle(CPU, "all")


@pytest.mark.parametrize(("free", "mode"), [(10, "all"), (9, "model"), (7, "model"), (6, "sequential")])
def test_the_fastest_mode_that_fits(free, mode):
    assert fastest_mode(weights=10, unet=7, free=free) == mode


@pytest.mark.parametrize("mode", ["all", "model", "sequential"])
def test_every_mode_computes_the_same(model, mode):
    before = computed(model)
    model.placement.settle(CPU, mode)
    assert same(computed(model), before)
    model.placement.retreat()
    assert same(computed(model), before)


def places(network):
    return {tensor.device.type for tensor in (*network.parameters(), *network.buffers())}


@torch.inference_mode()
def test_layer_by_layer_only_the_one_that_computes_is_on_the_device(model):
    before = {key: tensor.clone() for key, tensor in model.unet.state_dict().items()}
    most = 0

    def look(layer, arguments):
        nonlocal most
        there = [other for other in model.unet.modules() if any(w.is_meta for w in other.parameters(recurse=False))]
        most = max(most, len(there))

    model.placement.settle(META, "sequential")
    watch = [layer.register_forward_pre_hook(look) for layer in model.unet.modules()]
    told = Conditioning(torch.zeros(1, 77, 64, device=META))
    assert model.denoise(X.to(META), 1.0, 400.0, told).is_meta
    for one in watch:
        one.remove()
    assert most == 1
    assert places(model.unet) == {"cpu"}
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.unet.state_dict().items())


def test_an_error_within_a_layer_brings_its_weights_home(model):
    model.placement.settle(META, "sequential")
    with pytest.raises(RuntimeError):
        model.unet(torch.zeros(1, 5, 8, 8, device=META), 1, torch.zeros(1, 77, 64, device=META))
    assert places(model.unet) == {"cpu"}


class Moves(list):
    """Stands in for moving, which the meta device allows in one direction only; (part, place) of each move."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def __call__(self, to, *parts):
        self += [(part, to.type) for part in parts]


@torch.inference_mode()
def test_part_by_part_the_others_leave_before_one_comes(model, monkeypatch):
    moves = Moves(model)
    model.placement.settle(CPU, "model")
    model.placement.device = META
    monkeypatch.setattr(model.placement, "_move", moves)
    for part, others in (("text", {"unet", "vae"}), ("unet", {"text", "vae"}), ("vae", {"text", "unet"})):
        moves.clear()
        model.placement.use(part)
        assert set(moves[:2]) == {(other, "cpu") for other in others}
        assert moves[2:] == [(part, "meta")]
    monkeypatch.undo()
    model.placement.device = CPU


@torch.inference_mode()
def test_a_model_says_which_part_it_computes_with(model, monkeypatch):
    used = []
    monkeypatch.setattr(model.placement, "use", used.append)
    computed(model)
    assert used == ["text", "unet", "vae", "vae", "vae"]


def test_weights_that_were_exchanged_in_between_are_moved_too(model):
    """As a LoRA does it: others come into the networks, and the old ones back."""
    bias = model.unet.conv_out.bias
    old, bias.data = bias.data, torch.ones_like(bias)
    with torch.inference_mode():
        model.placement.settle(CPU, "model")
        model.placement.use("unet")
    bias.data = old
    model.placement.use("vae")
    assert torch.equal(bias, old)
    assert not bias.is_inference()


@torch.inference_mode()
def test_a_vae_that_another_checkpoint_took_along_comes_back(model, monkeypatch):
    moves = Moves(model)
    monkeypatch.setattr(model.placement, "_move", moves)
    model.decode(X)
    assert moves == [("vae", "cpu")]


def test_what_was_spilled_comes_back_to_the_bit(model, leased, tmp_path):
    before = computed(model)
    write_checkpoints(tmp_path, "a")
    model.placement.spill("text", "unet")
    assert model.placement.bytes() < 2**20 * 5
    with make_store(tmp_path).lease("a", "", lambda name: None) as fresh:
        model.placement.refill(fresh.model.placement)
        assert same(computed(model), before)
