"""The hashes are those that A1111, Civitai and kohya's trainer write."""

import hashlib
import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sdui.models.hashes import Hashes, autov1_of, compute, sha256_of


def digest(data):
    return hashlib.sha256(data).hexdigest()


def written(tensors: bytes, **metadata: str) -> bytes:
    header = json.dumps({"__metadata__": metadata, "x": {"dtype": "U8", "shape": [len(tensors)]}}).encode()
    return struct.pack("<Q", len(header)) + header + tensors


@pytest.mark.parametrize("length", [0, 100, 2**20 + 50, 2**21])
def test_each_hash_covers_its_part_of_the_file(tmp_path, length):
    data = bytes(range(256)) * (length // 256 + 1)
    whole = written(data[:length], name="a" * 300_000)
    path = tmp_path / "x.safetensors"
    path.write_bytes(whole)
    found = compute(path)
    assert found.sha256 == sha256_of(path) == digest(whole)
    assert found.autov1 == autov1_of(path) == digest(whole[0x100000:0x110000])[:8]
    assert found.autov3 == digest(data[:length])


def test_editing_the_metadata_keeps_the_hash_of_the_tensors(tmp_path):
    hashes = []
    for title in ("one", "another"):
        save_file({"x": torch.arange(9.0)}, tmp_path / "x.safetensors", {"modelspec.title": title})
        hashes.append(compute(tmp_path / "x.safetensors"))
    assert hashes[0].autov3 == hashes[1].autov3
    assert hashes[0].sha256 != hashes[1].sha256


@pytest.mark.parametrize("data", [b"", b"text", struct.pack("<Q", 2**60) + b"{}"])
def test_a_damaged_file_has_hashes_too(tmp_path, data):
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    assert compute(path).sha256 == digest(data)


def test_other_formats_have_no_hash_of_the_tensors(tmp_path):
    (tmp_path / "x.pt").write_bytes(b"1" * 10)
    assert compute(tmp_path / "x.pt").autov3 == ""


def test_a_lora_of_a1111s_own_pictures_has_the_hash_that_stands_in_them():
    found = compute(Path(__file__).parent / "goldens" / "norm.safetensors")
    assert Hashes(found.sha256, found.autov1, found.autov3).network == "0094adbab90e"


def test_a_lora_is_known_by_what_its_trainer_wrote_then_by_its_tensors_then_by_the_file():
    assert Hashes(sha256="a" * 64, autov3="b" * 64, declared="c" * 64).network == "c" * 12
    assert Hashes(sha256="a" * 64, autov3="b" * 64).network == "b" * 12
    assert Hashes(sha256="a" * 64).network == "a" * 12


def test_a_diffusers_folder_has_a_hash_of_all_its_files(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "unet").mkdir(parents=True)
        (tmp_path / name / "unet" / "x").write_bytes(b"1")
    assert sha256_of(tmp_path / "a") == compute(tmp_path / "b").sha256
    (tmp_path / "b" / "unet" / "x").write_bytes(b"2")
    assert sha256_of(tmp_path / "a") != sha256_of(tmp_path / "b")


def test_hashing_can_be_interrupted_between_two_blocks(tmp_path):
    def stop():
        raise KeyboardInterrupt

    (tmp_path / "x.safetensors").write_bytes(bytes(100))
    with pytest.raises(KeyboardInterrupt):
        compute(tmp_path / "x.safetensors", stop)
