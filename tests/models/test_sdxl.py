"""SDXL, its refiner and SSD-1B are told what A1111 tells them, and are built from what is in the file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sdui.bench import random_checkpoint as full
from sdui.core.text_options import SdxlOptions
from sdui.models import ldm
from sdui.models.families import family_of
from sdui.models.families.base import Source
from sdui.models.families.sdxl import waves
from sdui.models.header import read_header
from sdui.models.text import END, PlacedVectors, Texts
from sdui.prompt.attention import parse_attention
from sdui.prompt.chunks import chunk_prompt
from sdui.prompt.tokenizer import Tokenizer
from tests.support.checkpoints import write_small_checkpoint
from tests.support.variants import SDXL, SDXL_REFINER, as_ssd, random_weights, save

GOLDENS = Path(__file__).parent / "goldens" / "sdxl.safetensors"
PROMPTS = {
    "plain": "a red circle",
    "attn": "a (red:1.5) circle",
    "long": "word " * 80,
    "empty_pos": "",
    "empty_neg": "",
}
CPU = torch.device("cpu")
X = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(2))


def load(path, config=None):
    return family_of(read_header(path).shapes).load(Source(path, config, CPU, torch.float32, ()))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = write_small_checkpoint(tmp_path_factory.mktemp("sdxl"), "tiny-sdxl")
    return load(path, path.with_suffix(".yaml"))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return random_weights(tmp_path_factory.mktemp("random"), sizes=SDXL)


@pytest.fixture(scope="module")
def refiner(tmp_path_factory):
    folder = tmp_path_factory.mktemp("refiner")
    return load(save(random_weights(folder, sizes=SDXL_REFINER), folder / "x.safetensors"))


def texts(prompt, **more):
    chunks = chunk_prompt(parse_attention(prompt), Tokenizer().encode).chunks
    tokens, attention = torch.tensor([[one.tokens for one in chunks]]), [[one.weights for one in chunks]]
    return Texts(tokens, torch.tensor(attention), size=(96, 64), **more)


def told(model, *, negative=False, empty=False, clip_skip=1, **options):
    prompt = texts(
        "" if empty else "red", clip_skip=clip_skip, negative=negative, empty=empty, sdxl=SdxlOptions(**options)
    )
    with torch.inference_mode():
        return model.encode_text(prompt)


@torch.inference_mode()
@pytest.mark.parametrize("name", PROMPTS)
def test_every_prompt_is_told_as_a1111_tells_it(tiny, name):
    prompt, golden = PROMPTS[name], load_file(GOLDENS)
    given = tiny.encode_text(texts(prompt, negative=name == "empty_neg", empty=not prompt))
    assert torch.allclose(given.context[:, ::6], golden[f"cond.{name}.crossattn"], atol=1e-4)
    assert torch.allclose(given.vector, golden[f"cond.{name}.vector"], atol=1e-5)


@torch.inference_mode()
def test_the_network_answers_as_a1111_s(tiny):
    golden, prompt = load_file(GOLDENS), tiny.encode_text(texts(PROMPTS["plain"]))
    (noise,) = tiny.unet(
        golden["x"], golden["t"], prompt.context, class_labels=golden["cond.plain.vector"], return_dict=False
    )
    assert torch.allclose(noise, golden["eps"], atol=1e-5)


def test_what_was_cut_off_is_told_after_the_size(tiny):
    vector = told(tiny, crop_top=7, crop_left=9).vector[:, -6 * 256 :]
    assert torch.equal(vector, waves([64, 96, 7, 9, 64, 96]))


def test_clip_skip_counts_only_where_it_is_wished_for(tiny):
    plain, skipped = told(tiny).context, told(tiny, clip_skip=3).context
    assert torch.equal(plain, skipped)
    wished = told(tiny, clip_skip=3, clip_l_skip=True).context
    assert not torch.equal(plain[..., :64], wished[..., :64]) and torch.equal(plain[..., 64:], wished[..., 64:])
    # The layer that is used by itself is the last but one.
    assert torch.equal(told(tiny, clip_skip=2, clip_l_skip=True).context, plain)


def test_the_refiner_is_told_size_cut_and_beauty(refiner):
    assert refiner.text_widths == (64,)
    for negative, score in ((False, 6.5), (True, 2.0)):
        given = told(refiner, negative=negative, crop_left=3, low_aesthetic_score=2.0, high_aesthetic_score=6.5)
        assert given.context.shape == (1, 77, 64)
        assert torch.equal(given.vector[:, 64:], waves([64, 96, 0, 3, score]))


def test_an_empty_negative_prompt_is_nothing_at_all(refiner):
    nothing, plain = told(refiner, negative=True, empty=True), told(refiner, empty=True)
    assert not nothing.context.any() and not nothing.vector[:, :64].any()
    assert plain.context.any() and plain.vector[:, :64].any()


@torch.inference_mode()
def test_placed_vectors_reach_both_encoders(weights, tmp_path):
    model = load(save(weights, tmp_path / "x.safetensors"))
    tokens = torch.tensor([[[49406, 5, 6, *[END] * 74]], [[49406, 7, 8, *[END] * 74]]])
    ones, second = torch.ones(2, 1, 77), tokens[1, 0, 1:3]
    vectors = tuple(encoder.embeddings.token_embedding(second) for encoder in model.text_encoders)
    plain = model.encode_text(Texts(tokens, ones))
    placed = model.encode_text(Texts(tokens[[0, 0]], ones, placed=[PlacedVectors(1, 0, 1, vectors)]))
    assert torch.equal(plain.context, placed.context) and torch.equal(plain.vector, placed.vector)


@torch.inference_mode()
def test_ssd_1b_is_drawn_with_as_if_what_it_lacks_did_nothing(weights, tmp_path):
    thin, idle = (load(save(kind, tmp_path / f"{i}.safetensors")) for i, kind in enumerate(as_ssd(weights)))
    whole, text = load(save(weights, tmp_path / "whole.safetensors")), told(thin)
    drawn, expected, other = (model.denoise(X, 2.0, 500.0, text) for model in (thin, idle, whole))
    assert torch.allclose(drawn, expected, atol=1e-5) and not torch.allclose(drawn, other, atol=1e-2)


def test_the_yaml_beside_it_is_honoured(tmp_path):
    config = tmp_path / "x.yaml"
    config.write_text(
        """model: {params: {scale_factor: 0.25,
        denoiser_config: {params: {scaling_config: {target: sgm.modules.diffusionmodules.denoiser_scaling.VScaling}}},
        network_config: {params: {num_head_channels: 16}},
        conditioner_config: {params: {emb_models: [{target: a.FrozenCLIPEmbedder, params: {layer_idx: 1}}]}}}}"""
    )
    facts = ldm.Facts(heads=0, head_channels=64).honouring(config)
    assert (facts.prediction, facts.latent_scale, facts.heads_for(64), facts.clip_layers) == ("v", 0.25, 4, 1)


def test_the_full_sizes_of_sdxl_and_its_refiner_are_recognised():
    base, refiner = (ldm.unet_config(full.shapes_of(size), ldm.Facts(0, 64)) for size in (full.SDXL, full.SDXL_REFINER))
    assert base["block_out_channels"] == [320, 640, 1280] and base["attention_head_dim"] == [5, 10, 20]
    assert base["transformer_layers_per_block"][1:] == [[2, 2], [10, 10]]
    assert base["projection_class_embeddings_input_dim"] == 2816
    assert refiner["down_block_types"] == ["DownBlock2D", *["CrossAttnDownBlock2D"] * 2, "DownBlock2D"]
    assert refiner["transformer_layers_per_block"][-1] == [4], "the middle's depth"
