"""Texts are encoded as A1111 encodes them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from sdui.models.families import family_of
from sdui.models.families.base import Source
from sdui.models.header import read_header
from sdui.models.text import END, PlacedVectors, Texts, padded_with
from sdui.prompt.attention import Piece, parse_attention
from sdui.prompt.chunks import chunk_prompt
from sdui.prompt.tokenizer import Tokenizer
from tests.support.checkpoints import write_tiny_checkpoint

GOLDENS = Path(__file__).parent / "goldens" / "conditionings.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("text"))
    family = family_of(read_header(path).shapes)
    return family.load(Source(path, path.with_suffix(".yaml"), torch.device("cpu"), torch.float32, ()))


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer()


def chunked(prompt, tokenizer, plain=False):
    chunks = chunk_prompt([Piece(prompt, 1.0)] if plain else parse_attention(prompt), tokenizer.encode).chunks
    return torch.tensor([[chunk.tokens for chunk in chunks]]), torch.tensor([[chunk.weights for chunk in chunks]])


def cases():
    with safe_open(GOLDENS, "pt") as file:
        return json.loads(file.metadata()["cases"])


@torch.inference_mode()
@pytest.mark.parametrize("case", cases(), ids=[case["key"] for case in cases()])
def test_every_golden_is_equal(model, tokenizer, case):
    tokens, weights = chunked(case["prompt"], tokenizer, case["emphasis"] == "None")
    if case["emphasis"] in ("None", "Ignore"):
        weights = torch.ones_like(weights)
    encoded = model.encode_text(Texts(tokens, weights, case["clip_skip"], case["emphasis"] != "No norm")).context
    with safe_open(GOLDENS, "pt") as file:
        assert torch.allclose(encoded[:, ::6], file.get_tensor(case["key"]), atol=1e-4)


@torch.inference_mode()
def test_placed_vectors_are_read_instead_of_tokens(model, tokenizer):
    (tokens, weights), (other, _) = (chunked(text, tokenizer) for text in ("a red circle", "a blue circle"))
    blue = model.text_encoder.embeddings.token_embedding(other[0, 0, 2:3])
    expected = model.encode_text(Texts(torch.cat([tokens, other]), torch.cat([weights, weights]))).context
    placed = model.encode_text(
        Texts(torch.cat([tokens, tokens]), torch.cat([weights, weights]), placed=[PlacedVectors(1, 0, 2, (blue,))])
    ).context
    assert torch.equal(placed, expected)


@torch.inference_mode()
def test_placed_vectors_end_with_the_chunk(model, tokenizer):
    tokens, weights = chunked("a red circle", tokenizer)
    many = torch.randn(10, 128)

    def encoded(*placed):
        return model.encode_text(Texts(tokens, weights, placed=placed)).context

    cut = encoded(PlacedVectors(0, 0, 75, (many,)))
    assert torch.equal(cut, encoded(PlacedVectors(0, 0, 75, (many[:2],))))
    assert not torch.equal(cut, encoded())


def test_another_padding_follows_the_first_end_token():
    tokens = torch.tensor([[[1, 2, END, END, END], [1, END, 2, END, END]]])
    assert padded_with(tokens, 0).tolist() == [[[1, 2, END, 0, 0], [1, END, 0, 0, 0]]]


@torch.inference_mode()
def test_a_text_whose_mean_is_nothing_is_not_nan(model, tokenizer):
    norm = model.text_encoder.final_layer_norm
    before = norm.weight.clone(), norm.bias.clone()
    norm.weight.zero_(), norm.bias.zero_()
    try:
        assert (model.encode_text(Texts(*chunked("a red circle", tokenizer))).context == 0).all()
    finally:
        norm.weight.copy_(before[0]), norm.bias.copy_(before[1])
