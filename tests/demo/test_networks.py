"""What is done to the networks on their way into a file and out of it changes nothing of what they do."""

import copy
import json

import pytest
import torch

from sdui.bench.random_checkpoint import TINY, write_random_checkpoint
from sdui.demo.latents import latents_of, normalised
from sdui.demo.scenes import Scene, Stage, Thing
from sdui.demo.single_file import read_networks, training_of, write_networks
from sdui.demo.unet import SmallHeads
from sdui.demo.vae import as_tensor, hardened, moments, pictures_of, soften
from sdui.demo.vocabulary import compact, expanded, vocabulary_of
from sdui.models.metadata import read_metadata
from tests.support.demo_data import painted_sprites

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_random_checkpoint(file, TINY, torch.float32)
    return file


@pytest.fixture
def networks(file):
    return read_networks(file)


@pytest.fixture(scope="module")
def pictures():
    stage = Stage(painted_sprites())
    return as_tensor([stage.show(Scene((Thing(name),))) for name in ("apple", "banana")], CPU)


def test_written_networks_are_read_again(networks, tmp_path):
    written = tmp_path / "copy.safetensors"
    write_networks(networks, written, ["- unet: 5 steps", "- vae: 3 steps"])
    again = read_networks(written)
    for name in ("unet", "vae", "text"):
        old, new = getattr(networks, name).state_dict(), getattr(again, name).state_dict()
        assert old.keys() == new.keys()
        assert all(torch.allclose(old[key], new[key], atol=1e-3) for key in old)
    about = read_metadata(written)
    assert about["modelspec.resolution"] == "128x128"
    assert "a panda, icon style" in json.loads(about["sdui.example_prompts"])
    assert training_of(written) == ["- unet: 5 steps", "- vae: 3 steps"]
    assert not list(tmp_path.glob("*.part"))


def test_a_file_that_says_nothing_of_its_training(file):
    assert training_of(file) == []


@torch.no_grad()
def test_softening_and_hardening_cancel(networks, pictures):
    vae = networks.vae
    before = pictures_of(vae, moments(vae, pictures)[0])
    soften(vae)
    soft = pictures_of(vae, moments(vae, pictures)[0])
    hardened(vae)
    after = pictures_of(vae, moments(vae, pictures)[0])
    assert (before - after).abs().max() < 1e-3 * before.std()
    assert (before - soft).abs().max() < 0.03 * before.std()


@torch.no_grad()
def test_normalised_latents_have_mean_0_and_deviation_1_and_decode_to_the_same(networks, tmp_path):
    stage = Stage(painted_sprites())
    scenes = [Scene((Thing("apple"),), background=name) for name in ("white", "red", "blue")]
    before = copy.deepcopy(networks.vae)
    latents = latents_of(scenes, stage, networks.vae, CPU, tmp_path / "latents.pt")
    everything = torch.cat([value.flatten(1) for value in latents.values], 1)
    assert torch.allclose(everything.mean(1), torch.zeros(4), atol=1e-4)
    assert torch.allclose(everything.std(1), torch.ones(4), atol=1e-4)
    vae = normalised(networks.vae, latents)
    shown = as_tensor([stage.show(scene) for scene in scenes], CPU)
    mean, _ = moments(vae, shown)
    # They were encoded in bf16, as training is.
    assert (mean * 0.18215 - torch.stack(latents.values)).abs().mean() < 0.05
    wanted = pictures_of(before, moments(before, shown)[0])
    assert (pictures_of(vae, mean) - wanted).abs().max() < 1e-3 * wanted.std()
    assert latents_of(scenes, stage, networks.vae, CPU, tmp_path / "latents.pt").mean.equal(latents.mean)


@torch.no_grad()
def test_a_compact_vocabulary_means_the_same_and_other_words_nothing(networks):
    vocabulary = vocabulary_of(2)
    small = compact(networks.text, vocabulary)
    whole = expanded(small, vocabulary)
    said = ["a banana, flat style", "an apple on a red background"]
    rows = vocabulary.rows(said)
    ids = torch.tensor(
        [[49406, *(line := vocabulary.tokenizer.encode(text)), *[49407] * (76 - len(line))] for text in said]
    )
    wanted = networks.text(ids).last_hidden_state
    assert torch.allclose(small(rows).last_hidden_state, wanted, atol=1e-5)
    assert torch.allclose(whole(ids).last_hidden_state, wanted, atol=1e-5)
    assert vocabulary.rows(["velvet"]).equal(vocabulary.rows(["quartz"]))


@torch.no_grad()
def test_attention_of_small_heads_is_torchs_own(networks):
    unet = networks.unet
    given = torch.randn(2, 4, 8, 8), torch.tensor([10, 900]), torch.randn(2, 77, unet.config.cross_attention_dim)
    wanted = unet(*given).sample
    unet.set_attn_processor(SmallHeads())
    assert torch.allclose(unet(*given).sample, wanted, atol=1e-4)
