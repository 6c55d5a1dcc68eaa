"""Weights come out of every format as they went in, and a file that changes meanwhile is reported."""

import os

import pytest
import torch
from safetensors.torch import save_file

from sdui.core.errors import ModelFileError
from sdui.models import weights as weights_module
from sdui.models.weights import Weights

CPU = torch.device("cpu")


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


TENSORS = {
    "net.half": numbers(5, 3, 2).half(),
    "net.brain": numbers(4, 4).bfloat16(),
    "net.eight": numbers(3, 7).to(torch.float8_e4m3fn),
    "net.double": numbers(2, 2).double(),
    "net.ids": torch.arange(77)[None],
    "net.scale": torch.tensor(4.6052),
    "v_pred": torch.zeros(0),
    "other.weight": numbers(3),
}


def zipped(tensors, path):
    torch.save({"epoch": 3, "state_dict": tensors}, path)


def old(tensors, path):
    """The format of before 2020, which knows no float8."""
    torch.save({"state_dict": {**tensors, "net.eight": numbers(3, 7)}}, path, _use_new_zipfile_serialization=False)


@pytest.fixture(params=[(save_file, "x.safetensors"), (zipped, "x.ckpt"), (old, "old.pt")], ids=lambda p: p[1])
def path(request, tmp_path):
    write, name = request.param
    write(TENSORS, tmp_path / name)
    return tmp_path / name


def test_every_tensor_has_its_own_type_until_another_is_asked_for(path):
    weights = Weights(path)
    assert set(weights.shapes) == set(TENSORS)
    for name, tensor in TENSORS.items():
        found = weights.tensor(name)
        if name == "net.eight" and path.name == "old.pt":
            tensor = numbers(3, 7)
        assert found.dtype == tensor.dtype and found.shape == tensor.shape
        assert torch.equal(found.float(), tensor.float())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_network_is_read_in_the_wanted_type_and_whole_numbers_stay(path, dtype):
    found = Weights(path).read("net.", CPU, dtype)
    assert list(found) == [name for name in Weights(path).shapes if name.startswith("net.")]
    if path.name == "old.pt":
        del found["net.eight"]
    for name, tensor in found.items():
        expected = TENSORS[name] if name == "net.ids" else TENSORS[name].to(dtype)
        assert tensor.dtype == expected.dtype and torch.equal(tensor, expected)


def test_a_file_is_told_by_its_contents_and_not_by_its_name(tmp_path):
    zipped(TENSORS, tmp_path / "x.safetensors")
    save_file(TENSORS, tmp_path / "y.ckpt")
    for name in ("x.safetensors", "y.ckpt"):
        assert torch.equal(Weights(tmp_path / name).tensor("other.weight"), TENSORS["other.weight"])


def test_views_in_a_pickle_are_read_as_they_were(tmp_path):
    base = numbers(6, 4)
    views = {"turned": base.T, "part": base[2:4], "column": base[:, 1], "same": base}
    torch.save(views, tmp_path / "x.pt")
    weights = Weights(tmp_path / "x.pt")
    for name, view in views.items():
        assert torch.equal(weights.tensor(name), view) and weights.tensor(name).is_contiguous()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_large_tensors_are_read_in_pieces(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(weights_module, "_BUFFER", 1000)
    monkeypatch.setattr(weights_module, "_SHARE", 5000)
    tensors = {f"t{i}": numbers(400 + i, 3, seed=i).half() for i in range(20)}
    save_file(tensors, tmp_path / "x.safetensors")
    found = Weights(tmp_path / "x.safetensors").read("", CPU, dtype)
    assert list(found) == list(Weights(tmp_path / "x.safetensors").shapes)
    assert all(torch.equal(found[name], tensor.to(dtype)) for name, tensor in tensors.items())


def test_what_is_loaded_does_not_change_with_the_file(path):
    loaded = Weights(path).read("", CPU, torch.float32)
    before = {name: tensor.clone() for name, tensor in loaded.items()}
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    path.write_bytes(b"")
    assert all(torch.equal(loaded[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize("change", [lambda p: os.truncate(p, p.stat().st_size - 100), lambda p: p.write_bytes(b"new")])
def test_a_file_that_changes_after_its_header_was_read_is_named(tmp_path, change):
    path = tmp_path / "x.safetensors"
    save_file(TENSORS, path)
    weights = Weights(path)
    change(path)
    with pytest.raises(ModelFileError, match=r"x\.safetensors was changed while it was loaded"):
        weights.read("", CPU, torch.float32)


def test_a_file_that_is_cut_short_while_it_is_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_file(TENSORS, path)
    weights = Weights(path)
    monkeypatch.setattr(weights, "_check_unchanged", lambda places: os.truncate(path, 1000))
    with pytest.raises(ModelFileError, match=r"x\.safetensors has become shorter"):
        weights.read("", CPU, torch.float32)


def test_a_file_that_has_vanished_is_named(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file(TENSORS, path)
    weights = Weights(path)
    path.unlink()
    with pytest.raises(ModelFileError, match=r"x\.safetensors cannot be read: No such file"):
        weights.tensor("other.weight")
