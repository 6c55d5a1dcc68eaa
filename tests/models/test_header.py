"""What files of every format say of themselves, under the names that the families know."""

import io
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sdui.models.header import read_header
from sdui.models.weights import Weights

OLD = "cond_stage_model.transformer."


def test_names_shapes_types_and_metadata(tmp_path):
    save_file({"a": torch.zeros(2, 3).half(), "b": torch.zeros(4)}, tmp_path / "x.safetensors", {"ss_tag": "{}"})
    header = read_header(tmp_path / "x.safetensors")
    assert header.shapes == {"a": (2, 3), "b": (4,)}
    assert header.dtypes == {"a": "F16", "b": "F32"}
    assert header.metadata == {"ss_tag": "{}"}


def test_what_a_pickle_says_beside_its_tensors_is_metadata(tmp_path):
    hypernetwork = {768: [{"linear.0.weight": torch.zeros(3, 2)}], "name": "x", "layer_structure": [1, 2, 1], "step": 7}
    torch.save(hypernetwork, tmp_path / "x.pt")
    header = read_header(tmp_path / "x.pt")
    assert header.shapes == {"768.0.linear.0.weight": (3, 2)}
    assert header.metadata == {"name": "x", "layer_structure": "[1, 2, 1]", "step": "7"}


@pytest.mark.parametrize("is_zip", [True, False])
def test_the_header_of_a_pickle_is_read_without_its_weights(tmp_path, is_zip):
    path = tmp_path / "x.ckpt"
    torch.save({"a": torch.ones(1000, 1000)}, path, _use_new_zipfile_serialization=is_zip)
    read, opened = [], io.FileIO.readinto

    class Counting(io.FileIO):
        def readinto(self, buffer):
            read.append(opened(self, buffer))
            return read[-1]

    with pytest.MonkeyPatch.context() as patch:
        open_for_real = io.open
        patch.setattr(
            "pathlib.Path.open",
            lambda self, *a, **k: io.BufferedReader(Counting(str(self))) if self == path else open_for_real(self, *a),
        )
        header = read_header(path)
    assert header.shapes == {"a": (1000, 1000)}
    assert sum(read) < 200_000


def test_early_names_of_the_text_encoder_become_those_of_today(tmp_path):
    names = ["embeddings.position_ids", "encoder.layers.0.mlp.fc1.bias", "final_layer_norm.bias"]
    save_file({f"{OLD}{name}": torch.zeros(1) for name in names}, tmp_path / "x.safetensors")
    weights = Weights(tmp_path / "x.safetensors")
    assert set(weights.shapes) == {f"{OLD}text_model.{name}" for name in names}
    assert weights.tensor(f"{OLD}text_model.{names[2]}").shape == (1,)


def test_names_of_today_stay(tmp_path):
    save_file({f"{OLD}text_model.encoder.layers.0.mlp.fc1.bias": torch.zeros(1)}, tmp_path / "x.safetensors")
    assert set(read_header(tmp_path / "x.safetensors").shapes) == {f"{OLD}text_model.encoder.layers.0.mlp.fc1.bias"}


@pytest.mark.parametrize(("width", "prefix"), [(1024, "cond_stage_model."), (1280, "conditioner.embedders.0.")])
def test_only_sd_21_turbo_is_renamed_from_the_names_of_sdxl(tmp_path, width, prefix):
    save_file({"conditioner.embedders.0.model.ln_final.weight": torch.zeros(width)}, tmp_path / "x.safetensors")
    assert set(read_header(tmp_path / "x.safetensors").shapes) == {f"{prefix}model.ln_final.weight"}


class ModelCheckpoint:
    """As Lightning writes it: a class as a key, with numpy numbers in its state."""


def lightning(path, content, renamed):
    """A checkpoint that names a class of a package which is not there."""
    torch.save(content, path)
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data.replace(*renamed) if name.endswith("data.pkl") else data)


def test_a_checkpoint_of_lightning_loads_without_lightning(tmp_path):
    state = {"best_model_score": np.float64(0.5), "current": np.zeros(2, np.float32), "checkpoint": ModelCheckpoint()}
    content = {"state_dict": {"a": torch.ones(3)}, "callbacks": {ModelCheckpoint: state}, "global_step": 12}
    own = f"c{ModelCheckpoint.__module__}\nModelCheckpoint\n".encode()
    lightning(tmp_path / "x.ckpt", content, (own, b"cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n"))
    weights = Weights(tmp_path / "x.ckpt")
    assert weights.shapes == {"a": (3,)}
    assert torch.equal(weights.tensor("a"), torch.ones(3))
    assert weights.header.metadata == {"global_step": "12"}


def test_an_early_embedding_loads(tmp_path):
    content = {"string_to_param": nn.ParameterDict({"*": nn.Parameter(torch.ones(2, 8))}), "name": "x"}
    torch.save(content, tmp_path / "x.pt")
    weights = Weights(tmp_path / "x.pt")
    assert weights.shapes == {"string_to_param.*": (2, 8)}
    assert torch.equal(weights.tensor("string_to_param.*"), torch.ones(2, 8))


def test_a_compressed_checkpoint_loads(tmp_path):
    torch.save({"a": torch.arange(9.0)}, tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(tmp_path / "y.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    assert torch.equal(Weights(tmp_path / "y.pt").tensor("a"), torch.arange(9.0))


def test_what_contains_itself_is_read_once(tmp_path):
    content = {"a": torch.ones(2)}
    content["again"] = [content]
    with (tmp_path / "x.pt").open("wb") as file:
        torch.save(content, file)
    assert read_header(tmp_path / "x.pt").shapes == {"a": (2,)}
