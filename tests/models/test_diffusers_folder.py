"""A folder that diffusers has saved is the same model as the single file that it was made from."""

import json
from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders import single_file_utils
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from sdui.bench.random_checkpoint import TINY, Text, write_random_checkpoint
from sdui.core.errors import ModelFileError
from sdui.models import ldm
from sdui.models.families import family_of
from sdui.models.families.base import Conditioning, Source
from sdui.models.header import read_header
from sdui.models.weights import Weights

CPU = torch.device("cpu")
CLIP, BIG = "conditioner.embedders.0.transformer.", "conditioner.embedders.1.model."
SIZES = {
    "sd15": TINY,
    "sd2": replace(TINY, linear=True, texts=(Text(ldm.OPEN_CLIP, 64, 3, open_clip=True),)),
    "sdxl": replace(
        TINY,
        multipliers=(1, 2, 2),
        depths=(0, 1, 2),
        middle_depth=2,
        context=192,
        vector=160,
        linear=True,
        texts=(Text(CLIP, 64, 2), Text(BIG, 128, 2, open_clip=True)),
    ),
    "refiner": replace(
        TINY,
        depths=(0, 2, 2, 0),
        middle_depth=2,
        context=128,
        vector=160,
        linear=True,
        texts=(Text("conditioner.embedders.0.model.", 128, 2, open_clip=True),),
    ),
}


@pytest.fixture(scope="module", params=SIZES)
def pair(request, tmp_path_factory):
    """The single file and the folder; diffusers' own converters make the one from the other."""
    work = tmp_path_factory.mktemp(request.param)
    write_random_checkpoint(work / "single.safetensors", SIZES[request.param], torch.float32)
    whole = load_file(work / "single.safetensors")
    generator = torch.Generator().manual_seed(1)
    for key, tensor in whole.items():
        if tensor.ndim == 1:
            whole[key] = torch.randn(tensor.shape, generator=generator) * 0.1 + key.endswith("weight")
    save_file(whole, work / "single.safetensors")
    folder = work / "folder"
    save_unet(SIZES[request.param], whole, folder)
    config = ldm.vae_config(shapes_in(whole))
    vae = AutoencoderKL(**config)
    vae.load_state_dict(single_file_utils.convert_ldm_vae_checkpoint(dict(whole), config))
    vae.save_pretrained(folder / "vae")
    for text in SIZES[request.param].texts:
        projects = text.prefix.startswith("conditioner.") and text.open_clip
        save_text(text, whole, folder / ("text_encoder_2" if projects else "text_encoder"), projects)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    return work / "single.safetensors", folder


def shapes_in(weights):
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def save_unet(sizes, whole, folder):
    levels = len(sizes.multipliers)
    down = ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in sizes.depths]
    config = {
        "block_out_channels": [sizes.channels * multiplier for multiplier in sizes.multipliers],
        "down_block_types": down,
        "up_block_types": [name.replace("Down", "Up") for name in reversed(down)],
        "transformer_layers_per_block": [*[max(depth, 1) for depth in sizes.depths[:-1]], sizes.middle_depth],
        "layers_per_block": 2,
        "cross_attention_dim": sizes.context,
        "attention_head_dim": [8] * levels,
        "use_linear_projection": sizes.linear,
    }
    if sizes.vector:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": sizes.vector,
        }
    unet = UNet2DConditionModel(**config)
    settings = {"class_embed_type": None, "addition_embed_type": None, **config}
    unet.load_state_dict(single_file_utils.convert_ldm_unet_checkpoint(dict(whole), settings))
    unet.save_pretrained(folder / "unet")


def save_text(text, whole, folder, projects):
    # Like diffusers, leave out the last layer where only the one before it is used.
    layers = text.layers - (text.open_clip and not projects)
    config = CLIPTextConfig(
        hidden_size=text.width,
        intermediate_size=4 * text.width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        projection_dim=text.width,
    )
    encoder = (CLIPTextModelWithProjection if projects else CLIPTextModel)(config)
    if text.open_clip:
        found = single_file_utils.convert_open_clip_checkpoint(encoder, dict(whole), prefix=text.prefix)
    else:
        found = {key.removeprefix(text.prefix): tensor for key, tensor in whole.items() if key.startswith(text.prefix)}
    wanted = set(encoder.state_dict())
    named = {key if key in wanted else key.removeprefix("text_model."): tensor for key, tensor in found.items()}
    encoder.load_state_dict({key: tensor for key, tensor in named.items() if key in wanted})
    encoder.save_pretrained(folder)


def test_every_tensor_has_its_name_and_value_of_the_single_file(pair):
    single, folder = (Weights(path) for path in pair)
    unused = {name for name in single.shapes if name.endswith("logit_scale")}
    if f"{ldm.OPEN_CLIP}ln_final.weight" in single.shapes:
        # What diffusers leaves out: the last layer, for which the one before it stands, and the projection.
        unused |= {name for name in single.shapes if ".resblocks.2." in name or name.endswith("text_projection")}
        assert {name for name in folder.shapes if ".resblocks.2." in name} <= unused
    assert set(single.shapes) - unused == set(folder.shapes) - unused
    for name in set(single.shapes) - unused:
        assert folder.shapes[name] == single.shapes[name], name
        assert torch.equal(folder.tensor(name), single.tensor(name)), name


def test_a_network_of_a_folder_is_read_in_the_wanted_type(pair):
    single, folder = (Weights(path) for path in pair)
    for prefix in (ldm.UNET, ldm.VAE):
        expected, found = (weights.read(prefix, CPU, torch.float16) for weights in (single, folder))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_folder_draws_what_the_file_draws(pair):
    models = []
    for path in pair:
        family = family_of(read_header(path).shapes)
        if family is None:
            pytest.skip("of a family that is still being written")
        models.append(family.load(Source(path, None, CPU, torch.float32, ())))
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    width = models[0].unet.config.cross_attention_dim
    vector = models[0].unet.config.projection_class_embeddings_input_dim
    told = Conditioning(torch.ones(1, 77, width), torch.ones(1, vector) if vector else None)
    with torch.inference_mode():
        assert torch.equal(*(model.decode(model.denoise(x, 2.0, 500.0, told)) for model in models))


@pytest.fixture
def folder(tmp_path):
    """A folder that is as small as can be: one tensor in each part."""
    for part, name in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model")):
        (tmp_path / "x" / part).mkdir(parents=True)
        save_file({"conv_in.weight": torch.ones(1)}, tmp_path / "x" / part / f"{name}.safetensors")
    (tmp_path / "x" / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    return tmp_path / "x"


FIRST = f"{ldm.UNET}input_blocks.0.0.weight"


def test_pickles_are_read_where_there_is_nothing_else(folder):
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    torch.save({"conv_in.weight": torch.full((1,), 3.0)}, folder / "unet" / "diffusion_pytorch_model.bin")
    assert Weights(folder).tensor(FIRST) == 3


def test_full_precision_comes_before_a_variant(folder):
    save_file({"conv_in.weight": torch.full((1,), 2.0)}, folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    save_file({"conv_in.weight": torch.zeros(1)}, folder / "unet" / "diffusion_pytorch_model.non_ema.safetensors")
    assert Weights(folder).tensor(FIRST) == 1
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert Weights(folder).tensor(FIRST) == 2


def test_shards_are_one_network(folder):
    unet = folder / "unet"
    (unet / "diffusion_pytorch_model.safetensors").unlink()
    shards = {"a.safetensors": "conv_in.weight", "b.safetensors": "conv_in.bias"}
    for shard, name in shards.items():
        save_file({name: torch.ones(1)}, unet / shard)
    index = unet / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: shard for shard, name in shards.items()}}))
    assert {FIRST, FIRST.replace("weight", "bias")} <= set(Weights(folder).shapes)
    (unet / "b.safetensors").unlink()
    with pytest.raises(ModelFileError, match=r"unet is incomplete: b\.safetensors is missing"):
        Weights(folder)


def test_an_index_cannot_lead_out_of_the_folder(folder):
    save_file({"conv_in.weight": torch.ones(1)}, folder.parent / "secret.safetensors")
    index = folder / "unet" / "x.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"conv_in.weight": "../../secret.safetensors"}}))
    with pytest.raises(ModelFileError, match="secret"):
        Weights(folder)


def test_the_scheduler_tells_what_the_network_predicts(folder):
    (folder / "scheduler").mkdir()
    config = folder / "scheduler" / "scheduler_config.json"
    config.write_text('{"prediction_type": "v_prediction", "rescale_betas_zero_snr": true}')
    assert {"v_pred", "ztsnr"} <= set(Weights(folder).shapes)
    assert Weights(folder).tensor("v_pred").shape == (0,)
    config.write_text('{"prediction_type": "epsilon"}')
    assert not {"v_pred", "ztsnr"} & set(Weights(folder).shapes)


def test_a_folder_of_another_kind_is_named(folder):
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(ModelFileError, match="x is a folder of a FluxPipeline, which sdui cannot use"):
        read_header(folder)


def test_a_damaged_file_in_a_folder_is_named(folder):
    (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b"<html>")
    with pytest.raises(ModelFileError, match=r"vae/diffusion_pytorch_model\.safetensors is a web page"):
        read_header(folder)
