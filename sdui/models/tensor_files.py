"""A file of tensors by what is in it, whatever its name ends in; files that are none get a sentence that says so."""

from __future__ import annotations

from pathlib import Path

from sdui.core.errors import ModelFileError

from .contents import Contents
from .safetensors_files import read_safetensors

_AGAIN = "Download it again"
_BEGINNINGS = {
    b"GGUF": "a GGUF file, which sdui cannot use. Take the model as .safetensors.",
    b"version https://git-lfs": f"only a Git LFS pointer to a model. {_AGAIN}, or run: git lfs pull.",
    b"\x89PNG": "a picture and no model.",
    b"\xff\xd8\xff": "a picture and no model.",
    b"RIFF": "a picture and no model.",
    b"%PDF": "a PDF and no model.",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive. Unpack it and take the model file inside.",
    b"Rar!": "a RAR archive. Unpack it and take the model file inside.",
    b"\x1f\x8b": "a gzip archive. Unpack it and take the model file inside.",
    b"\x89HDF": "a Keras or HDF5 file, which sdui cannot use. Take the model as .safetensors.",
}
_SEEN = 512
"""Bytes that tell what a file is."""


def read_tensor_file(path: Path) -> Contents:
    """Raises ModelFileError, naming the file, what it is and what to do."""
    try:
        with path.open("rb") as file:
            seen = file.read(_SEEN)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}.") from error
    if foreign := _what(path, seen):
        raise ModelFileError(f"{path} is {foreign}")
    if not _is_pickle(seen):
        return read_safetensors(path)
    # torch takes seconds to import, which those who only have .safetensors files need not wait for.
    from .pickles import read_pickle

    return read_pickle(path)


def _is_pickle(seen: bytes) -> bool:
    """A zip archive or a bare pickle; the latter's second byte is its protocol, as old as PyTorch or younger."""
    return seen.startswith(b"PK\x03\x04") or (seen[:1] == b"\x80" and seen[1:2] in b"\2\3\4\5" and seen[8:9] != b"{")


def _what(path: Path, seen: bytes) -> str:
    """What a file is that holds no tensors for us, and what to do; "" for one that may."""
    if not seen:
        return f"empty. {_AGAIN}."
    for begin, what in _BEGINNINGS.items():
        if seen.startswith(begin):
            return what
    if seen.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return f"a web page and no model: the download failed. {_AGAIN}, logged in where the site asks for it."
    if seen[257:262] == b"ustar":
        return "a tar archive. Unpack it, or take the model as .safetensors."
    if path.suffix.lower() == ".onnx" or (seen[0] == 8 and b"pytorch" in seen[:64]):
        return "an ONNX file, which sdui cannot use. Take the model as .safetensors."
    if seen.isascii() and all(byte >= 32 or byte in b"\t\n\r" for byte in seen):
        return f"a text file and no model. {_AGAIN}."
    return ""
