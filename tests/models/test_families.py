"""Every kind of checkpoint is told by its shapes, loads and gives what its formula says."""

import math

import pytest
import torch

from sdui.models import checkpoint_files
from sdui.models.families import families, family_of
from sdui.models.families.base import Conditioning, Source
from sdui.models.families.others import kind_of
from sdui.models.header import read_header
from sdui.models.ldm import UNET
from sdui.models.text import Texts
from tests.support.variants import (
    FIRST,
    LAST_BIAS,
    SDXL,
    SDXL_REFINER,
    OpenClip,
    as_sd2,
    as_ssd,
    depth_weights,
    random_weights,
    save,
)

CPU = torch.device("cpu")
X = torch.randn(2, 4, 16, 16, generator=torch.Generator().manual_seed(2))


def load(path, config=None):
    family = family_of(read_header(path).shapes)
    return family.name, family.load(Source(path, config, CPU, torch.float32, ()))


@pytest.fixture(scope="module")
def open_clip():
    torch.manual_seed(0)
    return OpenClip().requires_grad_(False)


@pytest.fixture
def sd2(tmp_path, open_clip):
    return as_sd2(random_weights(tmp_path), open_clip)


def told(model, batch=2):
    tokens = torch.full((batch, 1, 77), 49407)
    return model.encode_text(Texts(tokens, torch.ones(batch, 1, 77)))


def context(model):
    return told(model).context


def predicted_v(model, sigma=2.0):
    """Whether `denoise` reads the UNet's answer as v."""
    conditioning = told(model)
    seen, times = X / math.sqrt(sigma**2 + 1), torch.full((2,), 500.25)
    vector = conditioning.vector
    (answer,) = model.unet(seen, times, conditioning.context, class_labels=vector, return_dict=False)
    made = model.denoise(X, sigma, 500.25, conditioning)
    as_noise = X - sigma * answer
    # x0 = alpha * z - sigma * v for z = alpha * x0 + sigma * noise, where alpha and sigma are 1 and 2 over sqrt(5)
    as_v = seen / math.sqrt(sigma**2 + 1) - sigma / math.sqrt(sigma**2 + 1) * answer
    assert torch.allclose(made, as_noise, atol=1e-5) != torch.allclose(made, as_v, atol=1e-5)
    return torch.allclose(made, as_v, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(("channels", "kind"), [(9, "inpainting"), (8, "edit")])
def test_a_network_with_more_channels_sees_what_is_beside_the_latents(tmp_path, channels, kind):
    name, model = load(save(random_weights(tmp_path, channels), tmp_path / "x.safetensors"))
    assert (name, model.kind) == ("Stable Diffusion 1.x", kind)
    text, beside = context(model), torch.randn(2, channels - 4, 16, 16)
    made, with_other = (model.denoise(X, 2.0, 500.0, Conditioning(text, concat=beside + more)) for more in (0, 1))
    assert made.shape == X.shape and not torch.allclose(made, with_other)


def test_the_catalog_tells_which_checkpoints_edit(tmp_path):
    told = {}
    for channels in (4, 8, 9):
        path = save(random_weights(tmp_path, channels), tmp_path / f"{channels}.safetensors")
        description = checkpoint_files.described(path)
        told[channels] = description.edits
        assert checkpoint_files.from_text(checkpoint_files.to_text(description)) == description
    assert told == {4: False, 8: True, 9: False}


@torch.inference_mode()
def test_a_plain_network_predicts_noise(tmp_path):
    name, model = load(save(random_weights(tmp_path), tmp_path / "x.safetensors"))
    assert (name, model.kind) == ("Stable Diffusion 1.x", "plain")
    assert not predicted_v(model)


def test_an_image_to_edit_is_encoded_without_the_scale(tmp_path):
    _, model = load(save(random_weights(tmp_path, 8), tmp_path / "x.safetensors"))
    images = torch.rand(2, 3, 32, 32)
    latents = model.encode_image(images, scaled=False)
    assert torch.allclose(latents * 0.18215, model.encode_image(images))
    assert torch.equal(latents[1:], model.encode_image(images[1:], scaled=False))


@torch.inference_mode()
def test_open_clip_encodes_as_the_original_and_without_clip_skip(tmp_path, sd2, open_clip):
    name, model = load(save(sd2, tmp_path / "x.safetensors"))
    assert (name, model.kind) == ("Stable Diffusion 2.x", "plain")
    tokens = torch.randint(0, 49408, (2, 3, 77), generator=torch.Generator().manual_seed(0))
    expected = torch.cat([open_clip(tokens[:, i]) for i in range(3)], dim=1)
    for clip_skip in (1, 3):
        encoded = model.encode_text(Texts(tokens, torch.ones(2, 3, 77), clip_skip)).context
        assert torch.allclose(encoded, expected, atol=1e-5)


@torch.inference_mode()
def test_the_yaml_says_what_the_network_predicts(tmp_path, sd2):
    path = save(sd2, tmp_path / "x.safetensors")
    config = tmp_path / "x.yaml"
    for parameterization, is_v in (("v", True), ("eps", False)):
        config.write_text(
            f"model: {{params: {{parameterization: {parameterization}, unet_config: {{params: {{num_heads: 4}}}}}}}}"
        )
        assert predicted_v(load(path, config)[1]) is is_v


@torch.inference_mode()
def test_without_yaml_the_network_is_asked_what_it_predicts(tmp_path, sd2):
    assert not predicted_v(load(save(sd2, tmp_path / "eps.safetensors"))[1])
    low = sd2 | {LAST_BIAS: sd2[LAST_BIAS] - 3}
    assert predicted_v(load(save(low, tmp_path / "v.safetensors"))[1])


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory, open_clip):
    """Every kind of checkpoint, by its name and what it sees."""
    work = tmp_path_factory.mktemp("kinds")
    kinds = {4: "plain", 9: "inpainting", 8: "edit", 5: "depth"}
    sd1 = {channels: random_weights(work, channels) for channels in kinds}
    sdxl = {channels: random_weights(work, channels, SDXL) for channels in (4, 8, 9)}
    made = {("Stable Diffusion 1.x", kinds[channels]): sd1[channels] for channels in (4, 8, 9)}
    made |= {("Stable Diffusion 2.x", kinds[channels]): as_sd2(sd1[channels], open_clip) for channels in (4, 9)}
    made[("Stable Diffusion 2 depth", "depth")] = as_sd2(sd1[5], open_clip) | depth_weights()
    made |= {("Stable Diffusion XL", kinds[channels]): weights for channels, weights in sdxl.items()}
    made[("Stable Diffusion XL refiner", "plain")] = random_weights(work, sizes=SDXL_REFINER)
    return made | {("Stable Diffusion XL", "SSD-1B"): as_ssd(sdxl[4])[0]}


@torch.inference_mode()
def test_every_kind_is_known_by_one_family_and_draws(all_kinds, tmp_path):
    for (name, kind), weights in all_kinds.items():
        path = save(weights, tmp_path / "x.safetensors")
        shapes = read_header(path).shapes
        assert [family.name for family in families() if family.detect(shapes)] == [name]
        _, model = load(path)
        beside = torch.zeros(2, shapes[FIRST][1] - 4, 16, 16) if shapes[FIRST][1] > 4 else None
        text = told(model)
        assert model.kind == ("plain" if kind == "SSD-1B" else kind)
        assert model.denoise(X, 2.0, 500.0, Conditioning(text.context, text.vector, beside)).isfinite().all()


@torch.inference_mode()
def test_marks_in_the_file_say_that_it_predicts_v_and_ends_in_noise_alone(all_kinds, tmp_path):
    for weights in (weights for (_, kind), weights in all_kinds.items() if kind == "plain"):
        _, plain = load(save(weights, tmp_path / "x.safetensors"))
        assert not plain.zero_snr and not predicted_v(plain)
        marked = weights | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}
        _, model = load(save(marked, tmp_path / "marked.safetensors"))
        assert model.zero_snr and predicted_v(model)


def test_a_kind_that_is_not_drawn_with_is_named(all_kinds):
    two, xl = (all_kinds[name, "plain"] for name in ("Stable Diffusion 2.x", "Stable Diffusion XL"))
    unclip = {f"{UNET}label_emb.0.0.weight": (128, 64), "embedder.model.ln_final.weight": (1,)}
    for weights, more, name in (
        (two, unclip, "Stable Diffusion 2 unCLIP"),
        (xl, {"edm_vpred.sigma_max": ()}, "CosXL"),
        (xl, {"edm_mean": (1, 4, 1, 1)}, "Playground"),
    ):
        shapes = {key: tuple(tensor.shape) for key, tensor in weights.items()} | more
        assert family_of(shapes) is None and name in kind_of(shapes)


def test_alphas_fall_from_almost_all_to_almost_nothing(tmp_path):
    _, model = load(save(random_weights(tmp_path), tmp_path / "x.safetensors"))
    alphas = model.alphas_cumprod
    assert alphas.shape == (1000,) and alphas.dtype == torch.float32
    assert (alphas.diff() < 0).all()
    # the levels that A1111 shows for Stable Diffusion 1.5
    assert ((1 - alphas) / alphas).sqrt()[[0, -1]].tolist() == pytest.approx([0.0292, 14.6146], abs=1e-4)
