"""What a folder of checkpoints looks like to the user."""

import json
import os
import shutil
import struct

import pytest
import torch
from safetensors.torch import save_file

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.core.catalog import Catalog
from sdui.core.errors import ModelFileError, ModelNotFound
from sdui.models.files import ModelFiles
from sdui.models.header import read_header


@pytest.fixture
def folder(tmp_path):
    write_random_checkpoint(tmp_path / "models" / "good.safetensors", TINY)
    return tmp_path / "models"


@pytest.fixture
def files(folder, tmp_path):
    return ModelFiles({"checkpoint": [folder]}, tmp_path / "cache")


def rewrite_header(path, change):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    encoded = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(encoded)) + encoded + data[8 + length :])


def test_the_title_has_the_short_hash_once_it_is_known(files):
    file = files.find("good")
    assert files.catalog()[0].title == "good.safetensors"
    digest = files.sha256(file)
    assert files.catalog()[0].title == f"good.safetensors [{digest[:10]}]"


@pytest.mark.parametrize("name", ["", "good", "good.safetensors", "good.safetensors [0123456789]"])
def test_a_checkpoint_is_found_by_every_name_it_is_shown_under(files, name):
    assert files.find(name).path.name == "good.safetensors"


def test_a_renamed_checkpoint_is_found_by_its_hash(files, folder):
    digest = files.sha256(files.find("good"))
    shutil.copy(folder / "good.safetensors", folder / "sub-renamed.safetensors")
    files.sha256(files.find("sub-renamed"))
    (folder / "good.safetensors").unlink()
    assert files.find("good", digest[:10]).name == "sub-renamed"


def test_an_unknown_name_is_answered_with_the_known_ones(files):
    with pytest.raises(ModelNotFound, match=r"no 'bad'.*good"):
        files.find("bad")


def test_an_empty_folder_says_where_to_put_a_file(tmp_path):
    with pytest.raises(ModelNotFound, match=r"Put a \.safetensors file into .*nothing"):
        ModelFiles({"checkpoint": [tmp_path / "nothing"]}, tmp_path).find("")


def test_the_size_and_the_examples_come_from_the_metadata(files, folder):
    def change(header):
        header["__metadata__"] |= {"modelspec.resolution": "128x192", "sdui.example_prompts": '["a", "b"]'}

    rewrite_header(folder / "good.safetensors", change)
    entry = files.catalog()[0]
    assert (entry.width, entry.height, entry.examples) == (128, 192, ("a", "b"))


def test_the_size_of_the_family_is_the_fall_back(files):
    assert (files.catalog()[0].width, files.catalog()[0].height) == (512, 512)


@pytest.mark.parametrize("broken", ["truncated", "text", "empty", "long header", "not json"])
def test_a_damaged_file_is_named_and_the_others_stay_usable(files, folder, broken):
    path = folder / "broken.safetensors"
    data = (folder / "good.safetensors").read_bytes()
    contents = {
        "truncated": data[:-1000],
        "text": b"this is no checkpoint at all, only text",
        "empty": b"",
        "long header": struct.pack("<Q", 2**40) + data[8:],
        "not json": struct.pack("<Q", 16) + b"{" * 16 + data,
    }
    path.write_bytes(contents[broken])
    entries = {entry.name: entry for entry in files.catalog()}
    assert str(path) in entries["broken"].problem
    assert not entries["good"].problem


def test_a_file_of_another_kind_is_named(files, folder):
    save_file({"lora_unet_x.weight": torch.zeros(2)}, folder / "lora.safetensors")
    assert "It is a LoRA" in files.catalog()[1].problem


def test_a_file_that_cannot_be_used_is_never_the_one_to_start_with(files, folder):
    save_file({"lora_unet_x.weight": torch.zeros(2)}, folder / "a-lora.safetensors")
    (folder / "another.safetensors").write_bytes(b"")
    assert files.find("").name == "good"
    assert Catalog(files.catalog()).checkpoint("").name == "good"


def test_a_lost_hash_database_is_made_again(files, tmp_path):
    digest = files.sha256(files.find("good"))
    (tmp_path / "cache" / "hashes.sqlite3").write_bytes(b"damaged" * 100)
    assert files.sha256(files.find("good")) == digest


def test_weights_that_are_missing_are_reported_with_the_path(files, folder, tmp_path):
    from sdui.models.store import ModelStore

    def change(header):
        header["renamed"] = header.pop("model.diffusion_model.middle_block.0.in_layers.0.weight")

    rewrite_header(folder / "good.safetensors", change)
    with (
        pytest.raises(ModelFileError, match=r"good\.safetensors cannot be loaded.*it lacks 1 of .*middle_block"),
        ModelStore(files).lease("good", "", lambda name: None),
    ):
        pass


def test_a_header_is_read_again_only_when_its_file_has_changed(files, folder, monkeypatch):
    read = []
    monkeypatch.setattr("sdui.models.files.read_header", lambda path: read.append(path.name) or read_header(path))
    files.catalog(), files.catalog()
    assert read == ["good.safetensors"]
    (folder / "good.safetensors").write_bytes(b"")
    assert files.catalog()[0].problem


def test_a_checkpoint_that_was_replaced_is_loaded_anew(files, folder):
    from sdui.models.store import ModelStore

    store, loaded = ModelStore(files, device="cpu"), []
    for replace in (False, False, True):
        if replace:
            os.utime(folder / "good.safetensors", (1, 1))
        with store.lease("good", "", loaded.append):
            pass
    assert loaded == ["good", "good"]
