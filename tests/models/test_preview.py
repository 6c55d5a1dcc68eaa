"""Previews look like the picture that will come out."""

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from safetensors.torch import save_file
from torch.nn.functional import avg_pool2d

from sdui.core.errors import ModelFileError
from sdui.models.families import families
from sdui.models.families.base import Source
from sdui.models.preview import Taesd, apply_linear, fit_linear
from tests.support.checkpoints import BUNDLED


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    family = next(family for family in families() if family.name == "Stable Diffusion 1.x")
    taesd = tmp_path_factory.mktemp("taesd")
    source = Source(BUNDLED / "sdui-demo.safetensors", None, torch.device("cpu"), torch.float32, [taesd])
    return family.load(source), taesd


@torch.inference_mode()
def test_the_linear_preview_has_the_colours_of_the_decoded_picture(model):
    loaded, _ = model
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(3)) * 0.7
    latents = torch.nn.functional.interpolate(latents, scale_factor=4, mode="bilinear")
    truth = avg_pool2d(loaded.decode(latents), 8)
    preview = loaded.preview(latents, sharp=False)
    assert preview.shape == truth.shape
    assert (preview - truth).abs().mean() < 0.08
    assert (preview - truth).abs().mean() < 0.5 * (truth - truth.mean()).abs().mean()


def test_a_linear_decoder_is_found_exactly():
    matrix = torch.tensor([[0.1, 0.0, 0.05], [0.0, 0.2, 0.0], [0.0, 0.0, 0.1], [0.05, 0.0, 0.0], [0.5, 0.4, 0.3]])

    def decode(latents):
        return torch.nn.functional.interpolate(apply_linear(matrix, latents), scale_factor=8)

    assert torch.allclose(fit_linear(decode, 4, 8), matrix, atol=1e-4)


def tiny_decoder():
    """With the names of TAESD's own file."""
    moved = {}
    for key, tensor in AutoencoderTiny().decoder.state_dict().items():
        _, index, rest = key.split(".", 2)
        moved[f"{int(index) + 1}.{rest}"] = tensor
    return moved


@torch.inference_mode()
def test_taesd_is_used_when_its_file_is_there(model):
    loaded, folder = model
    latents = torch.zeros(1, 4, 4, 4)
    assert loaded.preview(latents, sharp=True).shape == (1, 3, 4, 4)
    torch.save(tiny_decoder(), folder / "taesd_decoder.pth")
    assert loaded.preview(latents, sharp=True).shape == (1, 3, 32, 32)


@torch.inference_mode()
def test_taesd_of_sdxl_is_another_file(tmp_path):
    taesd = Taesd([tmp_path / "VAE-taesd", tmp_path], "taesdxl_decoder")
    save_file(tiny_decoder(), tmp_path / "taesd_decoder.safetensors")
    assert taesd.decode(torch.zeros(1, 4, 4, 4)) is None
    save_file(tiny_decoder(), tmp_path / "taesdxl_decoder.safetensors")
    assert taesd.decode(torch.zeros(1, 4, 4, 4)).shape == (1, 3, 32, 32)


@pytest.mark.parametrize("content", [b"<html>", b"", None])
def test_a_damaged_taesd_is_told_once(tmp_path, content):
    path = tmp_path / "taesd_decoder.safetensors"
    if content is None:
        save_file({"model.weight": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    taesd = Taesd([tmp_path], "taesd_decoder")
    with pytest.raises(ModelFileError, match=r"taesd_decoder.safetensors is no TAESD decoder"):
        taesd.decode(torch.zeros(1, 4, 4, 4))
    assert taesd.decode(torch.zeros(1, 4, 4, 4)) is None
