"""Which VAE a picture is drawn with, what its file says of that, and what happens when it is not there."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sdui.core import infotext
from sdui.core.errors import ModelFileError, RequestError
from sdui.core.events import ImageReady, Notice, Preview, StopToken
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.core.settings import Preferences
from sdui.core.stages import Hires
from sdui.models import vae_files
from sdui.models.ldm import VAE
from sdui.models.networks import build_vae
from sdui.models.weights import Weights
from tests.support.running import make_engine
from tests.support.variants import random_weights, save

REQUEST = GenerationRequest(prompt="a", seed=1, steps=1, sampler="Euler", width=64, height=64, model="base")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Checkpoints "base" and "other" that differ in the VAE, whose weights these are."""
    work = tmp_path_factory.mktemp("vaes")
    (work / "checkpoints").mkdir()
    weights = random_weights(work)
    own = {key: tensor for key, tensor in weights.items() if key.startswith(VAE)}
    generator = torch.Generator().manual_seed(9)
    other = {key: tensor + 0.1 * torch.randn(tensor.shape, generator=generator) for key, tensor in own.items()}
    save(weights, work / "checkpoints" / "base.safetensors")
    save(weights | other, work / "checkpoints" / "other.safetensors")
    return work, {key.removeprefix(VAE): tensor for key, tensor in other.items()}


@pytest.fixture
def folders(made, tmp_path):
    """Fresh folders with the two checkpoints, and one for VAEs."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "VAE").mkdir()
    for path in (made[0] / "checkpoints").iterdir():
        (tmp_path / "checkpoints" / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture
def engine(folders):
    return make_engine([folders / "checkpoints"], folders, vae=folders / "VAE")


@pytest.fixture(scope="module")
def pictures(made):
    """Of the two checkpoints as they are."""
    work, _ = made
    engine = make_engine([work / "checkpoints"], work)
    return {name: run(engine, model=name)[0].pixels for name in ("base", "other")}


def run(engine, request=REQUEST, **changes):
    """The picture, and the notices."""
    events = []
    preferences = Preferences(live_previews_enable=False)
    engine.run(request.model_copy(update=changes), preferences, events.append, StopToken())
    (image,) = [event.image for event in events if isinstance(event, ImageReady)]
    return image, [event.text for event in events if isinstance(event, Notice)]


def text_of(image):
    return infotext.write(image.request, image.facts)


def same(image, pixels):
    return np.array_equal(image.pixels, pixels)


def in_diffusers_names(made):
    network = build_vae(Weights(made[0] / "checkpoints" / "other.safetensors"), torch.device("cpu"), torch.float32)
    return dict(network.state_dict())


FORMS = {
    "plain.safetensors": lambda made: made[1],
    "prefixed.safetensors": lambda made: {f"{VAE}{key}": tensor for key, tensor in made[1].items()},
    "trained.vae.pt": lambda made: {
        "state_dict": made[1] | {"loss.logvar": torch.zeros(1), "model_ema.decay": torch.ones(())}
    },
    "bare.ckpt": lambda made: made[1],
    "diffusion_pytorch_model.safetensors": in_diffusers_names,
}


@pytest.mark.parametrize("name", FORMS)
def test_a_file_draws_as_a_checkpoint_with_that_vae_inside(engine, made, folders, pictures, name):
    tensors, path = FORMS[name](made), folders / "VAE" / name
    (save_file if path.suffix == ".safetensors" else torch.save)(tensors, path)
    image, notices = run(engine, vae=name)
    assert same(image, pictures["other"]) and not notices
    digest = image.conditions["vae"]
    assert f", VAE hash: {digest[:10]}, VAE: {name}, " in text_of(image)
    again = infotext.read(text_of(image))
    assert same(run(engine, again)[0], pictures["other"])
    assert same(run(engine)[0], pictures["base"]), "afterwards the checkpoint has its own again"


def test_the_names_are_offered(engine, made, folders):
    save_file(made[1], folders / "VAE" / "x.safetensors")
    save_file(made[1], folders / "checkpoints" / "base.vae.safetensors")
    assert engine.catalog().names("vaes") == ("Automatic", "None", "base.vae.safetensors", "x.safetensors")
    assert [checkpoint.name for checkpoint in engine.catalog().checkpoints] == ["base", "other"]


@pytest.mark.parametrize("name", ["x.vae.safetensors", "x.vae", "x", "sub/x.vae.safetensors"])
def test_a_name_may_lack_its_ending(engine, made, folders, pictures, name):
    (folders / "VAE" / "sub").mkdir()
    save_file(made[1], folders / "VAE" / "sub" / "x.vae.safetensors")
    image, _ = run(engine, vae=name)
    assert same(image, pictures["other"]) and "VAE: x.vae.safetensors" in text_of(image)


def test_a_renamed_file_is_found_by_its_hash(engine, made, folders, pictures):
    save_file(made[1], folders / "VAE" / "old.safetensors")
    text = text_of(run(engine, vae="old")[0])
    (folders / "VAE" / "old.safetensors").rename(folders / "VAE" / "new.safetensors")
    image, notices = run(engine, infotext.read(text))
    assert same(image, pictures["other"]) and not notices
    assert "VAE: new.safetensors" in text_of(image)


def test_a_missing_file_is_told_and_the_own_one_used(engine, pictures):
    image, notices = run(engine, vae="gone.pt")
    assert same(image, pictures["base"])
    assert notices == ["VAE: there is no 'gone.pt', so the checkpoint's own was used."]
    assert "VAE" not in text_of(image) and image.conditions["vae"] == ""


@pytest.mark.parametrize(
    "place", ["checkpoints/base.vae.safetensors", "VAE/base.safetensors", "VAE/base-v2.safetensors"]
)
def test_automatic_takes_the_one_named_like_the_checkpoint(engine, made, folders, pictures, place):
    save_file(made[1], folders / place)
    image, _ = run(engine)
    assert same(image, pictures["other"]) and f"VAE: {place.split('/')[1]}" in text_of(image)
    own, _ = run(engine, vae="None")
    assert same(own, pictures["base"])
    assert "VAE: None" in text_of(own), "or its text would mean the one named like the checkpoint"
    assert same(run(engine, infotext.read(text_of(own)))[0], pictures["base"])


def test_the_notes_beside_a_checkpoint_come_first(engine, made, folders, pictures):
    save_file(made[1], folders / "VAE" / "x.safetensors")
    notes = folders / "checkpoints" / "base.json"
    notes.write_text(json.dumps({"vae": "x.safetensors"}))
    assert same(run(engine)[0], pictures["other"])
    save_file(made[1], folders / "VAE" / "base.safetensors")
    notes.write_text(json.dumps({"vae": "None"}))
    assert same(run(engine)[0], pictures["base"])
    notes.write_text(json.dumps({"vae": "gone.safetensors"}))
    image, notices = run(engine)
    assert same(image, pictures["other"]) and "prefers gone.safetensors" in notices[0]
    notes.write_text("{ damaged")
    assert same(run(engine)[0], pictures["other"])


def test_a_preference_may_go_before_the_selected_one(engine, made, folders, pictures):
    save_file(made[1], folders / "VAE" / "base.safetensors")
    assert same(run(engine, vae="None", vae_overrides_preference=True)[0], pictures["base"])
    image, _ = run(engine, vae="None", vae_overrides_preference=False)
    assert same(image, pictures["other"])
    assert same(run(engine, infotext.read(text_of(image)))[0], pictures["other"])


def test_two_jobs_with_the_same_file_read_it_once(engine, made, folders, pictures, monkeypatch):
    save_file(made[1], folders / "VAE" / "x.safetensors")
    read, really = [], vae_files.read_vae
    monkeypatch.setattr(vae_files, "read_vae", lambda path, *where: read.append(path) or really(path, *where))
    for _ in range(2):
        assert same(run(engine, vae="x")[0], pictures["other"])
        assert same(run(engine)[0], pictures["base"])
    assert len(read) == 1


def test_the_checkpoint_of_hires_fix_decodes_with_the_selected_vae(engine, made, folders):
    save_file(made[1], folders / "VAE" / "x.safetensors")
    hires = Hires(model="base", scale=1.5, upscaler="Latent", denoising_strength=0.5, steps=1)
    with_file, _ = run(engine, vae="x", hires=hires)
    as_other, _ = run(engine, hires=hires.model_copy(update={"model": "other"}))
    assert np.array_equal(with_file.pixels, as_other.pixels)


def test_a_file_that_is_no_vae_gets_a_sentence(engine, made, folders, pictures):
    (folders / "VAE" / "text.safetensors").write_text("<html>not found")
    save_file({"a": torch.zeros(1)}, folders / "VAE" / "foreign.safetensors")
    half = {key: tensor for key, tensor in made[1].items() if not key.startswith("decoder.up.2")}
    save_file(half, folders / "VAE" / "half.safetensors")
    for name in ("text", "foreign", "half"):
        with pytest.raises(ModelFileError, match=rf"{name}.safetensors"):
            run(engine, vae=name)
    assert same(run(engine)[0], pictures["base"])


def test_a_vae_of_other_latents_gets_a_sentence(engine, made, folders, pictures):
    wide = dict(made[1])
    for key, dims in {
        "quant_conv": (0, 1),
        "post_quant_conv": (0, 1),
        "decoder.conv_in": (1,),
        "encoder.conv_out": (0,),
    }.items():
        for name in (f"{key}.weight", f"{key}.bias"):
            for dim in dims:
                if dim < wide[name].ndim:
                    wide[name] = wide[name].repeat_interleave(4, dim)
    save_file({key: tensor.contiguous() for key, tensor in wide.items()}, folders / "VAE" / "flux.safetensors")
    with pytest.raises(RequestError, match=r"16 channels .* the checkpoint's 4"):
        run(engine, vae="flux")
    assert same(run(engine)[0], pictures["base"])


def test_loading_a_checkpoint_alone_needs_no_vae(engine):
    engine.run(LoadRequest(model="base"), Preferences(), lambda event: None, StopToken())


def test_what_the_vae_had_to_do_is_in_the_file(folders, monkeypatch):
    """In half precision, with weights whose sums it cannot hold, and without memory."""
    weights = random_weights(folders)
    weight = weights[f"{VAE}decoder.conv_in.weight"]
    weight *= 6e4 / weight.abs().max()
    save(weights, folders / "checkpoints" / "loud.safetensors")
    engine = make_engine([folders / "checkpoints"], folders, vae=folders / "VAE")
    engine._models._vae_dtype = torch.float16
    monkeypatch.setattr("sdui.models.vae.free_on", lambda device: 0)
    image, notices = run(engine, model="loud")
    assert "VAE precision: fp32" in text_of(image)
    assert any("NaN in fp16" in notice for notice in notices)
    assert image.conditions["vae_strips"] is True
    again, _ = run(engine, infotext.read(text_of(image)))
    assert same(again, image.pixels)


def test_a_damaged_taesd_leaves_the_picture_and_is_told(folders):
    (folders / "VAE-taesd").mkdir()
    (folders / "VAE-taesd" / "taesd_decoder.safetensors").write_text("<html>")
    engine, events = make_engine([folders / "checkpoints"], folders), []
    steps = REQUEST.model_copy(update={"steps": 4})
    preferences = Preferences(show_progress_type="TAESD", show_progress_every_n_steps=1)
    engine.run(steps, preferences, events.append, StopToken())
    assert [event for event in events if isinstance(event, Preview)]
    (notice,) = [event.text for event in events if isinstance(event, Notice)]
    assert "taesd_decoder.safetensors" in notice
    assert any(isinstance(event, ImageReady) for event in events)
