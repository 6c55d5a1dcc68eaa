"""The models of other programs are found where these have them."""

import os

import pytest

from sdui.core.errors import LaunchError
from sdui.core.launch import read_launch


def launch(*arguments, **env):
    return read_launch([str(one) for one in arguments], env)[0]


@pytest.fixture
def make(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).mkdir(parents=True)

    return make


def names(folders, base):
    return [folder.relative_to(base).as_posix() for folder in folders]


def test_folders_of_a1111(tmp_path, make):
    make("web/models/Stable-diffusion", "web/models/VAE", "web/models/Lora", "web/models/LyCORIS", "web/embeddings")
    make(
        "web/models/VAE-approx",
        "web/models/hypernetworks",
        "web/models/ESRGAN",
        "web/models/DAT",
        "data",
        "web/interrogate",
    )
    found = launch("--data-dir", tmp_path / "data", "--models-dir", tmp_path / "web/models").model_folders()
    assert {kind: names(folders, tmp_path / "web") for kind, folders in found.items()} == {
        "checkpoint": ["models/Stable-diffusion"],
        "vae": ["models/VAE"],
        "taesd": ["models/VAE-approx"],
        "lora": ["models/Lora", "models/LyCORIS"],
        "embedding": ["embeddings"],
        "hypernetwork": ["models/hypernetworks"],
        "upscaler": ["models/ESRGAN", "models/DAT"],
        "ldsr": ["models/LDSR"],
        "detector": ["models/detectors"],
        "describer": ["interrogate"],
        "face_restorer": ["models/GFPGAN"],
    }


def test_folders_of_comfyui(tmp_path, make):
    make("models/checkpoints", "models/vae", "models/vae_approx", "models/loras", "models/embeddings")
    found = launch("--data-dir", tmp_path / "data", "--models-dir", tmp_path / "models").model_folders()
    for kind, name in (("checkpoint", "checkpoints"), ("taesd", "vae_approx"), ("lora", "loras")):
        assert names(found[kind], tmp_path / "models") == [name]
    assert names(found["embedding"], tmp_path) == ["models/embeddings"]


def test_where_nothing_is_yet_the_folders_are_those_of_a1111(tmp_path):
    found = launch("--data-dir", tmp_path).model_folders()
    assert names(found["checkpoint"], tmp_path) == ["models/Stable-diffusion"]
    assert names(found["lora"], tmp_path) == ["models/Lora"]
    assert names(found["embedding"], tmp_path) == ["embeddings"]


def test_one_folder_under_two_names_is_looked_through_once(tmp_path, make):
    make("models/VAE")
    (tmp_path / "models/vae").symlink_to(tmp_path / "models/VAE")
    found = launch("--data-dir", tmp_path, "--vae-dir", tmp_path / "models/VAE").model_folders()
    assert names(found["vae"], tmp_path) == ["models/VAE"]


def test_folders_can_be_given_several_times_and_in_the_environment(tmp_path):
    given = launch("--ckpt-dir", tmp_path / "a", "--ckpt-dir", tmp_path / "b", "--dat-models-path", tmp_path / "d")
    assert given.model_folders()["checkpoint"][-2:] == [tmp_path / "a", tmp_path / "b"]
    assert given.model_folders()["upscaler"][-1] == tmp_path / "d"
    given = launch(SDUI_LORA_DIR=os.pathsep.join((str(tmp_path / "a"), str(tmp_path / "b"))))
    assert given.model_folders()["lora"][-2:] == [tmp_path / "a", tmp_path / "b"]


def test_a_folder_that_is_none_is_named_with_its_option(tmp_path, make):
    make("web/models/Stable-diffusion", "comfy/models/checkpoints", "new")
    (tmp_path / "x.safetensors").touch()
    cases = {
        ("--lora-dir", "nowhere"): "--lora-dir .*nowhere: there is no such folder",
        ("--vae-dir", "x.safetensors"): "--vae-dir .*: it is a file; give the folder that it is in",
        ("--models-dir", "web"): "--models-dir .*web: the models are one folder further in; give .*web/models",
        ("--models-dir", "comfy"): "further in; give .*comfy/models",
    }
    for (option, folder), message in cases.items():
        with pytest.raises(LaunchError, match=message):
            launch(option, tmp_path / folder).require_folders()
    launch("--models-dir", tmp_path / "new").require_folders()
    launch("--models-dir", tmp_path / "made at the start").require_folders()
