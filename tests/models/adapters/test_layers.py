"""A change lands in exactly the layer that the file names, whichever trainer wrote the file."""

import pytest
import torch
from safetensors.torch import save_file

from sdui.models.adapters.adapters import Adapters
from sdui.models.adapters.merged import Chosen
from tests.support.networks import sd1_networks, sdxl_networks, weight

SD1_Q = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q"
SD1_OUT = "unet.up_blocks.1.attentions.2.transformer_blocks.0.attn1.to_out.0"
KOHYA = ("lora_down.weight", "lora_up.weight")
PEFT = ("lora_A.weight", "lora_B.weight")

ON_SD1 = [
    ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_q", KOHYA, SD1_Q),
    ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_q", KOHYA, SD1_Q),
    ("lycoris_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_q", KOHYA, SD1_Q),
    ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q", PEFT, SD1_Q),
    ("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q", PEFT, SD1_Q),
    ("base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q", PEFT, SD1_Q),
    (
        "base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q",
        ("lora_A.default.weight", "lora_B.default.weight"),
        SD1_Q,
    ),
    (
        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q",
        ("lora.down.weight", "lora.up.weight"),
        SD1_Q,
    ),
    ("diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_q", PEFT, SD1_Q),
    (
        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor",
        ("to_q_lora.down.weight", "to_q_lora.up.weight"),
        SD1_Q,
    ),
    (
        "unet.up_blocks.1.attentions.2.transformer_blocks.0.attn1.processor",
        ("to_out_lora.down.weight", "to_out_lora.up.weight"),
        SD1_OUT,
    ),
    ("lora_unet_output_blocks_5_1_transformer_blocks_0_attn1_to_out_0", KOHYA, SD1_OUT),
    ("lora_unet_input_blocks_6_0_op", KOHYA, "unet.down_blocks.1.downsamplers.0.conv"),
    ("lora_unet_output_blocks_2_1_conv", KOHYA, "unet.up_blocks.0.upsamplers.0.conv"),
    ("lora_unet_output_blocks_5_2_conv", KOHYA, "unet.up_blocks.1.upsamplers.0.conv"),
    ("lora_unet_input_blocks_0_0", KOHYA, "unet.conv_in"),
    ("lora_unet_out_2", KOHYA, "unet.conv_out"),
    ("lora_unet_time_embed_2", KOHYA, "unet.time_embedding.linear_2"),
    ("lora_unet_middle_block_2_out_layers_3", KOHYA, "unet.mid_block.resnets.1.conv2"),
    ("lora_unet_output_blocks_3_0_skip_connection", KOHYA, "unet.up_blocks.1.resnets.0.conv_shortcut"),
    ("lora_te_text_model_encoder_layers_1_mlp_fc2", KOHYA, "te0.encoder.layers.1.mlp.fc2"),
    ("lora_te1_text_model_encoder_layers_1_mlp_fc2", KOHYA, "te0.encoder.layers.1.mlp.fc2"),
    ("text_encoder.text_model.encoder.layers.1.self_attn.k_proj", PEFT, "te0.encoder.layers.1.self_attn.k_proj"),
    (
        "text_encoder.text_model.encoder.layers.0.self_attn",
        ("to_out_lora.down.weight", "to_out_lora.up.weight"),
        "te0.encoder.layers.0.self_attn.out_proj",
    ),
    ("base_model.model.text_model.encoder.layers.0.self_attn.v_proj", PEFT, "te0.encoder.layers.0.self_attn.v_proj"),
    ("lora_te_transformer_resblocks_0_attn_out_proj", KOHYA, "te0.encoder.layers.0.self_attn.out_proj"),
    ("lora_te_model_transformer_resblocks_1_mlp_c_fc", KOHYA, "te0.encoder.layers.1.mlp.fc1"),
    ("lora_te_transformer_resblocks_1_attn_q_proj", KOHYA, "te0.encoder.layers.1.self_attn.q_proj"),
]
ON_SDXL = [
    (
        "lora_unet_input_blocks_8_1_transformer_blocks_1_ff_net_0_proj",
        KOHYA,
        "unet.down_blocks.2.attentions.1.transformer_blocks.1.ff.net.0.proj",
    ),
    (
        "lora_unet_output_blocks_3_1_transformer_blocks_0_attn1_to_v",
        KOHYA,
        "unet.up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_v",
    ),
    ("lora_unet_output_blocks_2_2_conv", KOHYA, "unet.up_blocks.0.upsamplers.0.conv"),
    ("lora_unet_middle_block_1_proj_in", KOHYA, "unet.mid_block.attentions.0.proj_in"),
    ("lora_unet_label_emb_0_2", KOHYA, "unet.add_embedding.linear_2"),
    (
        "unet.mid_block.attentions.0.transformer_blocks.1.attn2.to_k",
        PEFT,
        "unet.mid_block.attentions.0.transformer_blocks.1.attn2.to_k",
    ),
    ("lora_te1_text_model_encoder_layers_0_mlp_fc1", KOHYA, "te0.encoder.layers.0.mlp.fc1"),
    ("lora_te2_text_model_encoder_layers_0_mlp_fc1", KOHYA, "te1.encoder.layers.0.mlp.fc1"),
    ("text_encoder.text_model.encoder.layers.1.self_attn.q_proj", PEFT, "te0.encoder.layers.1.self_attn.q_proj"),
    ("text_encoder_2.text_model.encoder.layers.1.self_attn.q_proj", PEFT, "te1.encoder.layers.1.self_attn.q_proj"),
    ("text_encoders.clip_g.transformer.text_model.encoder.layers.1.mlp.fc1", PEFT, "te1.encoder.layers.1.mlp.fc1"),
    ("lora_te2_transformer_resblocks_1_mlp_c_proj", KOHYA, "te1.encoder.layers.1.mlp.fc2"),
]


@pytest.fixture(scope="module")
def sd1():
    return sd1_networks()


@pytest.fixture(scope="module")
def sdxl():
    return sdxl_networks()


def write_lora(path, layer, parts, shape, rank=2):
    """(up, down) of a layer with a weight of this shape."""
    generator = torch.Generator().manual_seed(1)
    down = torch.randn(rank, *shape[1:], generator=generator)
    up = torch.randn(shape[0], rank, *(1 for _ in shape[2:]), generator=generator)
    save_file({f"{layer}.{parts[0]}": down, f"{layer}.{parts[1]}": up}, path)
    return up, down


def state(networks):
    return {f"{name}.{key}": t.clone() for name, network in networks.items() for key, t in network.state_dict().items()}


def check(networks, tmp_path, layer, parts, path):
    before, weight_before = state(networks), weight(networks, path).clone()
    up, down = write_lora(tmp_path / "one.safetensors", layer, parts, weight_before.shape)
    with Adapters(networks).applied([Chosen(tmp_path / "one.safetensors", 0.5, 0.5)]) as merged:
        after = state(networks)
    (fit,) = merged.fits
    assert (fit.fitting, fit.unfitting, fit.problem) == (1, 0, "")
    expected = weight_before + 0.5 * (up.flatten(1) @ down.flatten(1)).view_as(weight_before)
    torch.testing.assert_close(after.pop(f"{path}.weight"), expected)
    assert all(torch.equal(tensor, before[key]) for key, tensor in after.items())


@pytest.mark.parametrize(("layer", "parts", "path"), ON_SD1, ids=[f"{case[0]}-{case[1][0]}" for case in ON_SD1])
def test_every_spelling_finds_its_layer_in_sd1(sd1, tmp_path, layer, parts, path):
    check(sd1, tmp_path, layer, parts, path)


@pytest.mark.parametrize(("layer", "parts", "path"), ON_SDXL, ids=[case[0] for case in ON_SDXL])
def test_every_spelling_finds_its_layer_in_sdxl(sdxl, tmp_path, layer, parts, path):
    check(sdxl, tmp_path, layer, parts, path)


def test_blocks_are_counted_in_the_network_at_hand(tmp_path):
    """With one residual block a level, the second level begins at another number than in Stable Diffusion."""
    pruned = sd1_networks(blocks=1)
    check(pruned, tmp_path, "lora_unet_input_blocks_3_1_proj_in", KOHYA, "unet.down_blocks.1.attentions.0.proj_in")
    check(pruned, tmp_path, "lora_unet_output_blocks_2_0_in_layers_2", KOHYA, "unet.up_blocks.1.resnets.0.conv1")


def test_openclips_stacked_query_key_and_value_are_three_layers_here(sdxl, tmp_path):
    layer = "te1.encoder.layers.0.self_attn"
    before = [weight(sdxl, f"{layer}.{name}_proj").clone() for name in "qkv"]
    width = len(before[0])
    up, down = write_lora(
        tmp_path / "x.safetensors", "lora_te2_transformer_resblocks_0_attn_in_proj", KOHYA, (3 * width, width)
    )
    with Adapters(sdxl).applied([Chosen(tmp_path / "x.safetensors", 1, 1)]):
        after = [weight(sdxl, f"{layer}.{name}_proj").clone() for name in "qkv"]
    for was, now, delta in zip(before, after, (up @ down).chunk(3), strict=True):
        torch.testing.assert_close(now, was + delta)


def test_a_layer_that_the_checkpoint_lacks_is_counted_as_unfitting(sdxl, tmp_path):
    write_lora(tmp_path / "x.safetensors", "lora_te_text_model_encoder_layers_0_mlp_fc1", KOHYA, (64, 32))
    with Adapters(sdxl).applied([Chosen(tmp_path / "x.safetensors", 1, 1)]) as merged:
        assert (merged.fits[0].fitting, merged.fits[0].unfitting, merged.tensors) == (0, 1, {})
