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
from sdui.models.header import read_header as real


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


def test_the_first_usable_checkpoint_needs_no_name(files):
    assert files.find("").name == "good"


def test_the_title_has_the_short_hash_once_it_is_known(files):
    file = files.find("good")
    assert files.catalog()[0].title == "good.safetensors"
    digest = files.sha256(file)
    assert files.catalog()[0].title == f"good.safetensors [{digest[:10]}]"


@pytest.fixture
def titles(folder, files):
    """Several checkpoints; one in a sub-folder."""
    (folder / "sub").mkdir()
    for place, name in enumerate(("sub/anime.v2.safetensors", "landscapes.safetensors")):
        shutil.copy(folder / "good.safetensors", folder / name)
        with (folder / name).open("r+b") as file:
            file.seek(2**20 + 64)
            file.write(bytes([place + 1]) * 64)
    return files


@pytest.mark.parametrize(
    "name",
    [
        "sub/anime.v2.safetensors",
        "sub/anime.v2",
        "sub_anime.v2",
        "anime.v2.safetensors",
        "anime.v2",
        "sub/anime.v2.safetensors [{short}]",
        "anime.v2 [{short}]",
        "sub/anime.v2.safetensors [0123456789]",
        "renamed.ckpt [{short}]",
        "sub/anime.v2.safetensors [{old}]",
        "renamed.ckpt [{old}]",
        "{short}",
        "{old}",
        "{sha256}",
        "anim",
        "anime.v2.saf [0123456789]",
    ],
)
def test_a_checkpoint_is_found_by_every_name_that_a1111_has_for_it(titles, name):
    hashes = titles.hash_of(titles.find("anime.v2"))
    wanted = name.format(short=hashes.autov2, old=hashes.autov1, sha256=hashes.sha256)
    assert titles.find(wanted).name == "anime.v2"


def test_the_hash_counts_more_than_the_name(titles):
    anime = titles.hash_of(titles.find("anime.v2"))
    for digits in (anime.autov1, anime.autov2, anime.autov3[:12], anime.sha256.upper()):
        assert titles.find("good", digits).name == "anime.v2"
    assert titles.find("good", "0123456789").name == "good", "no file has this hash, so the name counts"


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


def test_a_lost_index_is_made_again(files, folder, tmp_path):
    digest = files.sha256(files.find("good"))
    files.close()
    (tmp_path / "cache" / "models.sqlite3").write_bytes(b"damaged" * 100)
    again = ModelFiles({"checkpoint": [folder]}, tmp_path / "cache")
    assert again.sha256(again.find("good")) == digest


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


def test_a_header_is_read_again_only_when_its_file_has_changed(files, folder, tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr("sdui.models.checkpoint_files.read_header", lambda path: read.append(path.name) or real(path))
    first = files.catalog()
    assert files.catalog() == first
    files.close()
    assert ModelFiles({"checkpoint": [folder]}, tmp_path / "cache").catalog() == first, "after a restart"
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


def test_a_diffusers_folder_is_one_checkpoint(files, folder):
    (folder / "sub" / "model.v2" / "unet").mkdir(parents=True)
    (folder / "sub" / "model.v2" / "model_index.json").write_text("{}")
    (folder / "sub" / "model.v2" / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"weights")
    entry = files.catalog()[1]
    assert (entry.name, entry.title) == ("model.v2", "sub/model.v2")
    found = files.find("sub/model.v2")
    digest = files.sha256(found)
    (folder / "sub" / "model.v2" / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"other weights")
    assert files.sha256(files.find("model.v2")) != digest


def test_vaes_beside_checkpoints_are_no_checkpoints(folder, tmp_path):
    for name in ("good.vae.safetensors", "good.vae.pt", "other.VAE.ckpt", "note.txt"):
        (folder / name).touch()
    (tmp_path / "VAE").mkdir()
    (tmp_path / "VAE" / "kl.pt").touch()
    files = ModelFiles({"checkpoint": [folder], "vae": [tmp_path / "VAE"]}, tmp_path / "cache")
    assert [file.title_path for file in files.checkpoints()] == ["good.safetensors"]
    assert {file.path.name for file in files.of("vae")} == {
        "good.vae.safetensors",
        "good.vae.pt",
        "other.VAE.ckpt",
        "kl.pt",
    }
    assert files.named("vae", "good.vae.pt").path == folder / "good.vae.pt"


def test_one_file_in_two_of_the_folders_is_listed_once(folder, tmp_path):
    (folder / "sub").mkdir()
    (folder / "good.safetensors").rename(folder / "sub" / "good.safetensors")
    files = ModelFiles({"checkpoint": [folder, folder / "sub"]}, tmp_path / "cache")
    assert len(files.checkpoints()) == 1


class TestLoras:
    @pytest.fixture
    def folder(self, tmp_path):
        (tmp_path / "lora" / "sub").mkdir(parents=True)
        return tmp_path / "lora"

    @pytest.fixture
    def loras(self, folder, tmp_path):
        return ModelFiles({"lora": [folder]}, tmp_path / "cache")

    def write(self, path, **metadata):
        save_file({"lora_unet_x.lora_up.weight": torch.rand(2)}, path, metadata)

    def test_a_name_means_the_file_before_it_means_an_alias(self, loras, folder):
        self.write(folder / "a.safetensors", ss_output_name="hat")
        self.write(folder / "sub" / "hat.safetensors", ss_output_name="coat")
        assert loras.lora("hat").title_path == "sub/hat.safetensors"
        assert loras.lora("sub/hat") == loras.lora("coat") == loras.lora("hat")
        assert loras.lora("Hat") is None, "case matters, as in A1111"

    def test_an_alias_of_two_files_means_none_of_them(self, loras, folder):
        self.write(folder / "a.safetensors", ss_output_name="hat")
        assert loras.lora("hat").name == "a"
        self.write(folder / "b.safetensors", ss_output_name="hat")
        assert loras.named("lora", "b"), "looks anew"
        assert loras.lora("hat") is None
        self.write(folder / "c.safetensors", ss_output_name="none")
        assert loras.lora("none") is None, "too many files are called that"

    def test_of_two_files_with_one_name_the_last_is_meant(self, loras, folder):
        self.write(folder / "hat.safetensors")
        self.write(folder / "sub" / "hat.safetensors")
        assert loras.lora("hat").title_path == "sub/hat.safetensors"

    def test_a_renamed_file_is_found_by_any_hash_once_it_is_known(self, loras, folder):
        self.write(folder / "new.safetensors", sshs_model_hash="AB" * 32, sshs_legacy_hash="12345678")
        self.write(folder / "other.safetensors")
        assert loras.by_hash("lora", "abababababab") is None
        known = loras.hash_of(loras.lora("new"))
        for digits in (known.network, known.autov1, known.autov2, known.autov3[:12], "12345678", "abababababab"):
            assert loras.lora("old", digits).name == "new"
            assert loras.by_hash("lora", digits).name == "new"
        assert loras.lora("other", known.autov2).name == "new", "the hash counts more than the name"
        assert loras.lora("other", "0123456789ab").name == "other", "but for a hash that nothing has"
        assert loras.by_hash("lora", "") is None

    def test_a_file_that_was_put_there_or_taken_away_is_noticed(self, loras, folder):
        assert loras.lora("hat") is None
        self.write(folder / "hat.safetensors")
        assert loras.lora("hat")
        (folder / "hat.safetensors").unlink()
        assert loras.lora("hat") is None

    def test_metadata_is_kept(self, loras, folder, monkeypatch):
        self.write(folder / "hat.safetensors", ss_network_dim="4", ssmd_cover_images="long")
        (folder / "damaged.safetensors").write_bytes(b"x")
        assert loras.metadata(loras.lora("hat")) == {"ss_network_dim": "4"}
        for reading in ("read_metadata", "read_texts"):
            monkeypatch.setattr(f"sdui.models.files.{reading}", lambda path: pytest.fail("read again"))
        assert loras.metadata(loras.lora("hat")) == {"ss_network_dim": "4"}
        monkeypatch.undo()
        assert loras.metadata(loras.lora("damaged")) == {}
