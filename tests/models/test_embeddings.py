"""Embeddings are read from every form that they come in, and what is none is told of in a sentence."""

import base64
import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import load_file, save_file

from sdui.core.errors import ModelFileError
from sdui.models.embeddings import embeddings_in, read_embedding
from tests.support.checkpoints import FIXTURES

HERE = Path(__file__).parent
VECTORS = torch.arange(8.0).reshape(2, 4)


@pytest.mark.parametrize(
    ("file", "length", "widths"),
    [
        ("My Style v2.pt", 8, (128,)),
        ("ti-diff.bin", 1, (128,)),
        ("ti-long.safetensors", 70, (128,)),
        ("ti-png.png", 2, (128,)),
        ("ti-pt.pt", 2, (128,)),
        ("ti-sd2size.safetensors", 2, (64,)),
        ("ti-xl.safetensors", 2, (64, 64)),
    ],
)
def test_every_form_is_read(file, length, widths):
    embedding = read_embedding(FIXTURES / "embeddings" / file, "0123456789abcdef")
    assert (embedding.name, embedding.length, embedding.widths) == (Path(file).stem, length, widths)
    assert embedding.short_hash == "0123456789ab"


def test_clip_l_comes_before_clip_g(tmp_path):
    pair = {"clip_g": torch.ones(2, 5), "clip_l": torch.zeros(2, 3)}
    save_file(pair, tmp_path / "x.safetensors")
    assert read_embedding(tmp_path / "x.safetensors", "").widths == (3, 5)


def test_files_of_the_first_textual_inversion_program_are_read(tmp_path):
    """It pickled a dictionary of torch's own kind, and tokens as tensors."""
    held = {"string_to_token": {"*": torch.tensor(265)}, "string_to_param": torch.nn.ParameterDict({"*": VECTORS})}
    torch.save(held, tmp_path / "old.pt")
    assert torch.equal(read_embedding(tmp_path / "old.pt", "").vectors[0], VECTORS)


def test_a_picture_may_give_its_embedding_a_name(tmp_path):
    data = {"name": "named inside", "string_to_param": {"*": {"TORCHTENSOR": VECTORS.tolist()}}}
    text = PngImagePlugin.PngInfo()
    text.add_text("sd-ti-embedding", base64.b64encode(json.dumps(data).encode()).decode())
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png", pnginfo=text)
    embedding = read_embedding(tmp_path / "x.png", "")
    assert (embedding.name, embedding.vectors[0].tolist()) == ("named inside", VECTORS.tolist())


def test_an_embedding_is_found_in_the_pixels_that_a1111_drew(tmp_path):
    with Image.open(HERE / "hidden-embedding.png") as picture:
        assert picture.info == {}
        picture.save(tmp_path / "again.webp", lossless=True)
    first, again = (read_embedding(path, "") for path in (HERE / "hidden-embedding.png", tmp_path / "again.webp"))
    assert (first.name, first.length, first.widths) == ("hidden", 2, (128,))
    assert first.vectors[0].sum().item() == pytest.approx(0.6594, abs=1e-4)
    assert torch.equal(first.vectors[0], again.vectors[0])


def test_other_pictures_carry_none(tmp_path):
    noise = torch.randint(1, 256, (64, 64, 3), dtype=torch.uint8).numpy()
    Image.fromarray(noise).save(tmp_path / "noise.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "black.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert [read_embedding(path, "") for path in tmp_path.iterdir()] == [None] * 3


def damaged(folder: Path) -> dict[str, Path]:
    text = PngImagePlugin.PngInfo()
    text.add_text("sd-ti-embedding", base64.b64encode(b'{"string_to_param": 3').decode())
    Image.new("RGB", (8, 8)).save(folder / "half.png", pnginfo=text)
    (folder / "text.pt").write_text("no pickle")
    (folder / "empty.safetensors").write_bytes(b"")
    save_file({"a": VECTORS, "b": VECTORS.clone()}, folder / "two.safetensors")
    save_file({"a": torch.ones(2, 2, 2)}, folder / "cube.safetensors")
    torch.save({"string_to_param": {"a": VECTORS, "b": VECTORS}}, folder / "terms.pt")
    whole = (FIXTURES / "embeddings" / "ti-pt.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    return {path.name: path for path in folder.iterdir()}


def test_what_is_no_embedding_is_told_of_with_its_path(tmp_path):
    files = damaged(tmp_path)
    assert len(files) == 7
    for path in files.values():
        with pytest.raises(ModelFileError, match=path.name):
            read_embedding(path, "")


def test_embeddings_in_a_lora_file_are_found_and_the_others_left_out():
    tensors = load_file(FIXTURES / "Lora" / "lora-bundle.safetensors")
    pair = {"bundle_emb.xl.clip_l": torch.ones(1, 3), "bundle_emb.xl.clip_g": torch.ones(1, 5)}
    wrong = {"bundle_emb.no.clip_g": torch.ones(1, 5), "bundle_emb.no.other": torch.ones(1, 5)}
    first, second = embeddings_in(tensors | pair | wrong)
    assert (first.name, first.length, first.widths, first.path) == ("tibundle", 2, (128,), None)
    assert (second.name, second.widths) == ("xl", (3, 5))
    assert first.sha256 != second.sha256


def test_a_file_under_another_name_is_called_that(tmp_path):
    shutil.copy(FIXTURES / "embeddings" / "ti-pt.pt", tmp_path / "other.name.pt")
    assert read_embedding(tmp_path / "other.name.pt", "").name == "other.name"
