"""Files that are damaged, lie, mean harm or are of another kind: each gets a sentence, and drawing goes on."""

import hashlib
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.core.errors import ModelFileError
from sdui.core.events import Failed, ImageSaved
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.local import LocalWorker
from sdui.jobs.queue import JobQueue
from sdui.models.families import families, family_of
from sdui.models.families.others import kind_of
from sdui.models.header import read_header
from sdui.models.ldm import UNET
from sdui.models.weights import Weights
from tests.support.running import make_engine

ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


def safetensors(header, data=bytes(24)):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


BROKEN = {
    "empty": (b"", "is empty. Download it again"),
    "truncated length": (b"\x10\x00\x00", "header cannot be read"),
    "truncated header": (safetensors({"a": ENTRY})[:30], "its header is longer than the file"),
    "huge header": (struct.pack("<Q", 2**62) + b"{}", "its header is longer than the file"),
    "header no JSON": (safetensors(b"{" * 40), "header cannot be read"),
    "header no text": (safetensors(b"{\xff\xfe" * 9), "header cannot be read"),
    "deep header": (safetensors(b'{"a":' + b"[" * 200_000), "header cannot be read"),
    "header a list": (safetensors([1, 2]), "header is no list of tensors"),
    "unknown type": (safetensors({"a": ENTRY | {"dtype": "F31"}}), "a is of type F31, which sdui does not know"),
    "wrong type": (safetensors({"a": ENTRY | {"dtype": "F16"}}), r"a has 24 bytes where its shape \[2, 3\] in F16 nee"),
    "wrong shape": (safetensors({"a": ENTRY | {"shape": [4, 3]}}), "needs 48"),
    "huge shape": (safetensors({"a": ENTRY | {"shape": [2**40, 2**40]}}), "a has 24 bytes where"),
    "negative shape": (safetensors({"a": ENTRY | {"shape": [-2, -3]}}), "no proper size for a"),
    "shape of words": (safetensors({"a": ENTRY | {"shape": ["2", 3]}}), "no proper size for a"),
    "offsets turned": (safetensors({"a": ENTRY | {"data_offsets": [24, 0]}}), "a has 0 bytes"),
    "entry a number": (safetensors({"a": 3}), "does not say what a is"),
    "no offsets": (safetensors({"a": {"dtype": "F32", "shape": [1]}}), "does not say what a is"),
    "overlap": (safetensors({"a": ENTRY, "b": ENTRY | {"data_offsets": [8, 32]}}, bytes(32)), "a and b lie over each"),
    "truncated weights": (safetensors({"a": ENTRY}, b""), "0.0 MB are missing at its end. Download it again"),
    "text": (b"this is a readme\n", "is a text file and no model"),
    "web page": (b"\n<!DOCTYPE html><html><body>404</body>", "is a web page and no model: the download failed"),
    "git lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "git lfs pull"),
    "gguf": (b"GGUF\x03\x00\x00\x00" + bytes(40), "is a GGUF file, which sdui cannot use"),
    "onnx": (b"\x08\x07\x12\x07pytorch\x1a\x051.13" + bytes(40), "is an ONNX file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "is a picture and no model"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "is a 7z archive. Unpack it"),
    "tar": (bytes(257) + b"ustar" + bytes(300), "is a tar archive"),
    "noise": (np.random.default_rng(0).bytes(5000), "is incomplete or no safetensors file"),
    "truncated zip": (b"PK\x03\x04" + bytes(100), "is damaged or incomplete: its end is missing"),
    "truncated pickle": (
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9",
        "is damaged or no PyTorch checkpoint",
    ),
    "pickle of a number": (pickle.dumps(3, 2), "is damaged or no PyTorch checkpoint"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_with_what_it_is(tmp_path, name):
    content, sentence = BROKEN[name]
    for ending in ("safetensors", "ckpt"):
        path = tmp_path / f"x.{ending}"
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=sentence) as error:
            read_header(path)
        assert str(error.value).startswith(str(path))
        assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_zip_archive_that_is_no_checkpoint_is_told_from_a_damaged_one(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as archive:
        archive.writestr("model.safetensors", b"x")
    with pytest.raises(ModelFileError, match=r"is a zip archive and no model\. Unpack it"):
        read_header(tmp_path / "x.ckpt")
    torch.save({"a": torch.ones(100)}, tmp_path / "y.ckpt")
    os.truncate(tmp_path / "y.ckpt", 600)
    with pytest.raises(ModelFileError, match=r"y\.ckpt is damaged or incomplete"):
        read_header(tmp_path / "y.ckpt")


def test_a_program_of_torchscript_is_not_run(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("x/data.pkl", b"")
        archive.writestr("x/constants.pkl", b"")
    with pytest.raises(ModelFileError, match="TorchScript program"):
        read_header(tmp_path / "x.pt")


def test_a_pickle_that_claims_more_than_it_has_is_reported(tmp_path):
    torch.save({"a": torch.ones(100)}, tmp_path / "x.pt")
    with zipfile.ZipFile(tmp_path / "x.pt") as archive:
        entries = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    for size in (200, 2**30):
        with zipfile.ZipFile(tmp_path / "y.pt", "w") as archive:
            for name, data in entries.items():
                claim = b"J" + struct.pack("<i", size)
                archive.writestr(name, data.replace(b"Kd", claim) if name.endswith("data.pkl") else data)
        try:
            Weights(tmp_path / "y.pt").tensor("a")
        except ModelFileError as error:
            assert str(tmp_path / "y.pt") in str(error)
        else:
            assert size == 200  # it lies within the file: numbers of its neighbours, and no crash


class Malicious:
    def __init__(self, target):
        self._target = target

    def __reduce__(self):
        return os.system, (f"touch '{self._target}'",)


class Sneaky(Malicious):
    """Through a builtin instead of a module that is blocked."""

    def __reduce__(self):
        return eval, (f"open({str(self._target)!r}, 'w')",)


WRITERS = {
    "zip": torch.save,
    "before 2020": lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
    "protocol 0": lambda content, path: path.write_bytes(b"\x80\x02" + pickle.dumps(content, 0)),
    "protocol 2": lambda content, path: path.write_bytes(pickle.dumps(content, 2)),
    "protocol 4": lambda content, path: path.write_bytes(pickle.dumps(content, 4)),
    "zip, protocol 4": lambda content, path: torch.save(content, path, pickle_protocol=4),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(("kind", "name"), [(Malicious, r"posix\.system|nt\.system"), (Sneaky, "eval")])
def test_a_malicious_pickle_is_refused_by_name_and_creates_nothing(tmp_path, writer, kind, name):
    path, target = tmp_path / "x.ckpt", tmp_path / "created"
    WRITERS[writer]({"state_dict": {"a": 1}, "evil": kind(target)}, path)
    with pytest.raises(ModelFileError, match=rf"x\.ckpt is refused: it wants to run '\S*({name})'"):
        read_header(path)
    assert not target.exists()


def test_a_malicious_pickle_behind_harmless_names_is_refused(tmp_path):
    path, target = tmp_path / "x.pt", tmp_path / "created"
    torch.save({"score": np.float64(1), "string_to_param": torch.nn.ParameterDict(), "evil": Malicious(target)}, path)
    allowed = set(torch.serialization.get_safe_globals())
    with pytest.raises(ModelFileError, match=r"system"):
        read_header(path)
    assert not target.exists() and set(torch.serialization.get_safe_globals()) == allowed


OTHERS = {
    "a LoRA and no checkpoint; move it to models/Lora": ["lora_unet_down_blocks_0.lora_up.weight"],
    "is a LoRA": ["unet.down_blocks.0.attn1.to_k.lora_A.weight"],
    "is a LoRA ": ["lycoris_blocks_0.hada_w1_a"],
    "a textual inversion embedding and no checkpoint; move it to embeddings": ["emb_params"],
    "is a textual inversion": ["string_to_param.*"],
    "a hypernetwork": ["768.0.linear.0.weight"],
    "a ControlNet": ["control_model.input_blocks.0.0.weight"],
    "is a ControlNet": ["controlnet_cond_embedding.conv_in.weight", "down_blocks.0.resnets.0.conv1.weight"],
    "a VAE and no checkpoint; move it to models/VAE": ["encoder.conv_in.weight", "decoder.conv_in.weight"],
    "an upscaler": ["model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"],
    "is an upscaler": ["params_ema.conv_first.weight"],
    "a Stable Diffusion 3 model": [
        f"{UNET}joint_blocks.0.context_block.attn.qkv.weight",
        f"{UNET}x_embedder.proj.bias",
    ],
    "a Flux model": [f"{UNET}double_blocks.0.img_attn.qkv.weight"],
    "is a Flux model": ["double_blocks.0.img_attn.qkv.weight", "img_in.weight"],
    "It is a Flux model": ["single_transformer_blocks.0.attn.to_k.weight"],
    "a Qwen-Image model": ["transformer_blocks.0.img_mlp.net.0.proj.weight"],
    "a PixArt model": ["y_embedder.y_embedding", "blocks.0.attn.qkv.weight"],
    "a Hunyuan-DiT model": ["mlp_t5.0.weight", "blocks.0.attn1.Wqkv.weight"],
    "a Stable Cascade model": ["clip_txt_mapper.weight"],
    "a Stable Diffusion 2 unCLIP model": ["embedder.model.visual.proj", f"{UNET}input_blocks.0.0.weight"],
    "the UNet of a checkpoint alone": ["input_blocks.0.0.weight"],
    "is the UNet of a checkpoint": ["down_blocks.0.resnets.0.conv1.weight", "conv_in.weight"],
    "a text encoder alone": ["text_model.embeddings.token_embedding.weight"],
    "is a text encoder alone": ["encoder.block.0.layer.0.SelfAttention.k.weight"],
    "lacks its VAE; take a complete": [f"{UNET}input_blocks.0.0.weight", "cond_stage_model.transformer.x"],
    "lacks its VAE and its text encoder": [f"{UNET}input_blocks.0.0.weight"],
    "no checkpoint that sdui knows": ["x.weight"],
}


@pytest.mark.parametrize("sentence", OTHERS)
def test_a_file_of_another_kind_is_told_what_it_is_and_what_to_do(sentence):
    shapes = dict.fromkeys(OTHERS[sentence], (4, 4))
    assert family_of(shapes) is None
    assert sentence.strip() in kind_of(shapes)


def test_what_sdui_draws_with_is_named_from_the_list_of_families():
    said = kind_of({"single_transformer_blocks.0.attn.to_k.weight": (4, 4)})
    assert all(family.name in said for family in families())


@pytest.fixture
def folder(tmp_path):
    write_random_checkpoint(tmp_path / "models" / "good.safetensors", TINY)
    return tmp_path / "models"


def saved(image):
    """Nothing is written; the pixels are told instead of a path."""
    return ImageSaved(hashlib.sha256(image.pixels.tobytes()).hexdigest(), "", image.request, image.kind)


def test_the_server_goes_on_with_the_model_it_had(folder, tmp_path):
    contents = {name: content for name, (content, _) in BROKEN.items()}
    good = (folder / "good.safetensors").read_bytes()
    contents["lacking"] = good.replace(b'middle_block.0.in_layers.0.weight"', b'middle_block.0.in_layers.0.wrong!"')
    for number, content in enumerate(contents.values()):
        (folder / f"bad-{number}.safetensors").write_bytes(content)
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(2)}, folder / "lora.safetensors")

    worker = LocalWorker(lambda: make_engine([folder], tmp_path))
    jobs = JobQueue([worker], lambda image, preferences: (saved(image), ""))
    request = GenerationRequest(prompt="a", seed=1, steps=1, width=64, height=64, model="good")

    def drawn(model):
        return jobs.submit(request.model_copy(update={"model": model}), Preferences())

    first = drawn("good").images()[0].path
    for name in (*(f"bad-{number}" for number in range(len(contents))), "lora"):
        *_, last = drawn(name).events()
        assert isinstance(last, Failed) and f"{name}.safetensors" in last.error
        assert "Traceback" not in last.error and ": Error" not in last.error
    assert drawn("good").images()[0].path == first
    jobs.close()
