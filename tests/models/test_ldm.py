"""Networks are built from the shapes in the file and from the .yaml beside it."""

import math

import pytest

from sdui.bench.random_checkpoint import SD15, shapes_of
from sdui.core.errors import ModelFileError
from sdui.models import ldm


def test_the_sizes_of_stable_diffusion_1_5_are_recognised():
    shapes = shapes_of(SD15)
    unet = ldm.unet_config(shapes, ldm.Facts())
    assert unet["block_out_channels"] == [320, 640, 1280, 1280]
    assert unet["down_block_types"] == ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"]
    assert unet["layers_per_block"] == 2 and unet["cross_attention_dim"] == 768
    assert ldm.vae_config(shapes)["block_out_channels"] == [128, 256, 512, 512]
    prefix = f"{ldm.TEXT}text_model."
    text = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    assert ldm.text_config(text, "quick_gelu")["num_hidden_layers"] == 12
    assert sum(math.prod(shape) for name, shape in shapes.items() if name.startswith(ldm.UNET)) == 859_520_964


def test_the_yaml_beside_the_file_is_honoured(tmp_path):
    config = tmp_path / "x.yaml"
    config.write_text(
        "model: {params: {linear_start: 0.001, scale_factor: 0.5, unet_config: {params: {num_head_channels: 64}}}}"
    )
    facts = ldm.Facts().honouring(config)
    assert (facts.beta_start, facts.latent_scale, facts.heads_for(640)) == (0.001, 0.5, 10)
    assert facts.beta_end == ldm.Facts().beta_end


def test_a_yaml_that_is_no_config_is_named(tmp_path):
    config = tmp_path / "x.yaml"
    config.write_text("just: text")
    with pytest.raises(ModelFileError, match=r"x\.yaml"):
        ldm.Facts().honouring(config)
