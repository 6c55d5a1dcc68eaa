"""What adapters do to a checkpoint's weights, and that nothing of it stays."""

import random

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdui.models.adapters.adapter_file import read_adapter
from sdui.models.adapters.adapters import Adapters
from sdui.models.adapters.merged import Chosen
from tests.support.checkpoints import FIXTURES
from tests.support.networks import sd1_networks, sdxl_networks, weight

LORA = FIXTURES / "Lora"
PATH = "unet.conv_in"


def write(path, **tensors):
    """Keys with __ for dots."""
    save_file({name.replace("__", "."): tensor for name, tensor in tensors.items()}, path)
    return path


def write_random(path, networks, seed):
    """LoRA, full differences and biases, also where there was no bias, on some layers of every network."""
    chooser, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    tensors = {}
    for number, (name, network) in enumerate(networks.items()):
        prefix = "lora_unet" if name == "unet" else "lora_te" if "te1" not in networks else f"lora_te{number}"
        layers = [(p, m) for p, m in network.named_modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
        for place, module in chooser.sample(layers, 6):
            layer, (out, *rest) = f"{prefix}_{place.replace('.', '_')}", module.weight.shape
            if chooser.random() < 0.5:
                tensors[f"{layer}.lora_up.weight"] = torch.randn(out, 2, generator=generator)
                tensors[f"{layer}.lora_down.weight"] = torch.randn(2, *rest, generator=generator)
            else:
                tensors[f"{layer}.diff"] = torch.randn(out, *rest, generator=generator)
                tensors[f"{layer}.diff_b"] = torch.randn(out, generator=generator)
    save_file(tensors, path)
    return path


def state(networks):
    return {f"{n}.{key}": tensor for n, network in networks.items() for key, tensor in network.state_dict().items()}


def copy(networks):
    return {key: tensor.clone() for key, tensor in state(networks).items()}


def same(networks, before):
    now = state(networks)
    return now.keys() == before.keys() and all(torch.equal(now[key], tensor) for key, tensor in before.items())


@pytest.mark.parametrize("make", [sd1_networks, sdxl_networks], ids=["SD1", "SDXL"])
def test_weights_are_the_same_to_the_bit_after_100_times(make, tmp_path):
    networks = make()
    for network in networks.values():
        network.half()
    before, adapters, choose = copy(networks), Adapters(networks), random.Random(0)
    files = [write_random(tmp_path / f"{i}.safetensors", networks, i) for i in range(6)]
    for _ in range(100):
        chosen = [
            Chosen(file, choose.uniform(-2, 2), choose.uniform(-2, 2))
            for file in choose.sample(files, choose.randint(1, 3))
        ]
        with adapters.applied(chosen) as merged:
            assert all(fit.fitting and not fit.unfitting for fit in merged.fits)
            assert not same(networks, before)
    assert same(networks, before)


@pytest.fixture
def networks():
    return sd1_networks()


@pytest.fixture
def diff(tmp_path, networks):
    """A file that adds one to all of the first layer."""
    shape = weight(networks, PATH).shape
    return write(tmp_path / "diff.safetensors", lora_unet_conv_in__diff=torch.ones(shape))


def test_they_add_up_inside_each_other_and_undo_in_order(networks, diff):
    before, adapters = weight(networks, PATH).clone(), Adapters(networks)
    with adapters.applied([Chosen(diff, 1, 1)]):
        with adapters.applied([Chosen(diff, 0, 0.5)]):
            torch.testing.assert_close(weight(networks, PATH), before + 1.5)
        torch.testing.assert_close(weight(networks, PATH), before + 1)
        with adapters.applied([]):
            torch.testing.assert_close(weight(networks, PATH), before + 1)
    assert torch.equal(weight(networks, PATH), before)


def test_an_error_inside_leaves_nothing_behind(networks, diff):
    before, adapters = copy(networks), Adapters(networks)
    with pytest.raises(ZeroDivisionError), adapters.applied([Chosen(diff, 1, 1)]):
        _ = 1 / 0
    assert same(networks, before)
    assert adapters.text_state == ""


def test_each_change_reads_the_weight_that_the_ones_before_left(networks, tmp_path):
    """As in A1111: a factor after a difference scales both."""
    before = weight(networks, PATH).clone()
    add = write(tmp_path / "add.safetensors", lora_unet_conv_in__diff=torch.ones(before.shape))
    factor, off = torch.ones(len(before), 1), torch.zeros(())
    double = write(tmp_path / "double.safetensors", lora_unet_conv_in__weight=factor, lora_unet_conv_in__on_input=off)
    adapters = Adapters(networks)
    with adapters.applied([Chosen(add, 1, 1), Chosen(double, 1, 1)]):
        torch.testing.assert_close(weight(networks, PATH), (before + 1) * 2)
    with adapters.applied([Chosen(double, 1, 1), Chosen(add, 1, 1)]):
        torch.testing.assert_close(weight(networks, PATH), before * 2 + 1)


def test_the_same_adapters_are_merged_once(networks, diff):
    adapters = Adapters(networks)
    with adapters.applied([Chosen(diff, 1, 1)]):
        first = weight(networks, PATH).data_ptr()
    with adapters.applied([Chosen(diff, 1, 1)]):
        assert weight(networks, PATH).data_ptr() == first
    adapters.release()
    with adapters.applied([Chosen(diff, 1, 1)]) as merged:
        assert merged.fits[0].fitting == 1


def test_a_file_that_was_exchanged_is_read_again(networks, diff):
    before, adapters = weight(networks, PATH).clone(), Adapters(networks)
    with adapters.applied([Chosen(diff, 1, 1)]):
        pass
    write(diff, lora_unet_conv_in__diff=torch.full(before.shape, 3.0), more__alpha=torch.ones(()))
    with adapters.applied([Chosen(diff, 1, 1)]):
        torch.testing.assert_close(weight(networks, PATH), before + 3)


def test_texts_are_encoded_anew_only_where_the_text_encoder_changes(networks, diff, tmp_path):
    adapters = Adapters(networks)
    layer = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    of_texts = write(tmp_path / "te.safetensors", **{f"{layer}__diff": torch.ones(64, 32)})
    with adapters.applied([Chosen(diff, 1, 1)]):
        assert adapters.text_state == ""
    states = set()
    for strength in (1.0, 0.5, 0.5):
        with adapters.applied([Chosen(of_texts, strength, 1)]):
            states.add(adapters.text_state)
    assert len(states) == 2 and "" not in states


def test_strengths_of_text_encoder_and_unet_are_apart(networks, diff, tmp_path):
    path = "te0.encoder.layers.0.mlp.fc1"
    layer = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    both = write(
        tmp_path / "both.safetensors",
        **{f"{layer}__diff": torch.ones(64, 32)},
        lora_unet_conv_in__diff=torch.ones(weight(networks, PATH).shape),
    )
    unet, text = weight(networks, PATH).clone(), weight(networks, path).clone()
    with Adapters(networks).applied([Chosen(both, 0.25, 2)]):
        torch.testing.assert_close(weight(networks, PATH), unet + 2)
        torch.testing.assert_close(weight(networks, path), text + 0.25)


def test_a_file_that_cannot_be_read_is_told_of_and_the_others_count(networks, diff, tmp_path):
    before = weight(networks, PATH).clone()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(diff.read_bytes()[:-20])
    with Adapters(networks).applied([Chosen(broken, 1, 1), Chosen(diff, 1, 1)]) as merged:
        torch.testing.assert_close(weight(networks, PATH), before + 1)
    assert str(broken) in merged.fits[0].problem
    assert merged.fits[1].problem == ""


def test_a_checkpoint_of_another_kind_is_no_lora(networks, tmp_path):
    other = write(tmp_path / "other.safetensors", embeddings=torch.ones(3))
    with Adapters(networks).applied([Chosen(other, 1, 1)]) as merged:
        assert "is no LoRA" in merged.fits[0].problem


def test_changes_of_other_sizes_are_left_out_and_counted(networks, tmp_path):
    before = copy(networks)
    file = write(
        tmp_path / "big.safetensors",
        lora_unet_conv_in__diff=torch.ones(7, 7),
        lora_unet_conv_out__lora_up__weight=torch.ones(4, 2),
        lora_unet_conv_out__lora_down__weight=torch.ones(3, 9),
    )
    with Adapters(networks).applied([Chosen(file, 1, 1)]) as merged:
        assert same(networks, before)
    assert (merged.fits[0].fitting, merged.fits[0].unfitting) == (0, 2)


def test_an_inpainting_checkpoint_takes_a_plain_ones_first_layer(tmp_path):
    networks = sd1_networks(channels=9)
    before = weight(networks, PATH).clone()
    file = write(tmp_path / "first.safetensors", lora_unet_conv_in__diff=torch.ones(32, 4, 3, 3))
    with Adapters(networks).applied([Chosen(file, 1, 1)]):
        change = weight(networks, PATH) - before
    torch.testing.assert_close(change[:, :4], torch.ones(32, 4, 3, 3))
    assert not change[:, 4:].any()


def test_a_network_that_was_moved_in_between_gets_its_own_weights_back_where_it_is(networks, diff):
    before = copy(networks)
    with Adapters(networks).applied([Chosen(diff, 1, 1)]):
        for network in networks.values():
            network.to("meta").to_empty(device="cpu")
    assert torch.equal(weight(networks, PATH), before[f"{PATH}.weight"])


def test_pickled_files_are_read_without_running_anything_in_them(tmp_path):
    tensors = load_file(LORA / "ia3.safetensors")
    torch.save({"state_dict": tensors}, tmp_path / "ia3.pt")
    plain, pickled = (
        read_adapter(path, torch.device("cpu")) for path in (LORA / "ia3.safetensors", tmp_path / "ia3.pt")
    )
    assert plain.layers.keys() == pickled.layers.keys()


def test_embeddings_that_come_in_a_lora_are_handed_on():
    file = read_adapter(LORA / "lora-bundle.safetensors", torch.device("cpu"))
    assert {name: tensor.shape for name, tensor in file.embeddings.items()} == {
        "bundle_emb.tibundle.string_to_param.*": (2, 128)
    }
    assert len(file.layers) == 6
