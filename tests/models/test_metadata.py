"""Metadata of safetensors files, whoever wrote them and however badly."""

import struct

import pytest
import torch
from safetensors.torch import save_file

from sdui.models.metadata import read_metadata


def write(path, header: str, length: int | None = None):
    data = header.encode()
    path.write_bytes(struct.pack("<Q", len(data) if length is None else length) + data)
    return path


def test_what_the_library_wrote(tmp_path):
    save_file({"x": torch.zeros(2)}, tmp_path / "x.safetensors", {"ss_output_name": "a:b", "modelspec.thumbnail": "x"})
    assert read_metadata(tmp_path / "x.safetensors") == {"ss_output_name": "a:b"}


@pytest.mark.parametrize(
    "header",
    [
        '{"x": {"dtype": "F32"}, "__metadata__": {"a": "1"}}',
        '{"__metadata__": {"a": "1"}, "x": {}}',
        '{"__metadata__":{"a":"1","b":2}}',
    ],
)
def test_wherever_it_stands(tmp_path, header):
    assert read_metadata(write(tmp_path / "x.safetensors", header)) == {"a": "1"}


@pytest.mark.parametrize(
    "header",
    ["", "{}", "[]", "text", '{"__metadata__":[]}', '{"__metadata__":', '{"__metadata__":' + "[" * 10**6, "[" * 10**6],
)
def test_a_damaged_file_has_none(tmp_path, header):
    assert read_metadata(write(tmp_path / "x.safetensors", header)) == {}
    assert read_metadata(write(tmp_path / "y.safetensors", header, 2**63)) == {}


def test_other_formats_and_missing_files_have_none(tmp_path):
    assert read_metadata(write(tmp_path / "x.pt", '{"__metadata__":{"a":"1"}}')) == {}
    assert read_metadata(tmp_path / "nothing.safetensors") == {}
