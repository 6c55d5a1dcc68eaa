"""Which embeddings and hypernetworks a prompt's names and tags bring into a picture, and what is told of them."""

import hashlib
import shutil
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sdui.core.events import ImageReady, Notice, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import Hires
from sdui.core.text_options import TextOptions
from sdui.engine.conditioning import Conditioner, Reading, Timeline
from sdui.engine.embeddings import EmbeddingLibrary, Embeddings
from sdui.models.embeddings import Embedding
from sdui.models.families.base import Conditioning
from sdui.models.files import ModelFile, ModelFiles
from sdui.models.residents import Lease
from sdui.prompt.tokenizer import Tokenizer
from tests.support.checkpoints import FIXTURES, write_tiny_checkpoint
from tests.support.running import make_engine

ASKED = GenerationRequest(
    prompt="a red circle", seed=5, steps=2, width=64, height=64, sampler="Euler", model="tiny-sd15"
)
WIDTH = 128


@dataclass
class Place:
    engine: object
    embeddings: object
    hypernetworks: object

    def draw(self, prompt, **values):
        """The first picture and all notices."""
        preferences = {name: values.pop(name) for name in list(values) if name in Preferences.model_fields}
        events = []
        request = ASKED.model_copy(update={"prompt": prompt} | values)
        self.engine.run(request, Preferences(**preferences), events.append, StopToken())
        images = [event.image for event in events if isinstance(event, ImageReady)]
        return images[0], [event.text for event in events if isinstance(event, Notice)]

    def write(self, name, seed=0, width=WIDTH, rows=2):
        """An embedding, and the first digits of its hash."""
        path = self.embeddings / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"emb_params": torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))}, path)
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    work = tmp_path_factory.mktemp("embeddings")
    write_tiny_checkpoint(work / "checkpoints")
    engine = make_engine([work / "checkpoints"], work, embedding=work / "embeddings", hypernetwork=work / "hyper")
    return Place(engine, work / "embeddings", work / "hyper")


@pytest.fixture
def place(running):
    for folder in (running.embeddings, running.hypernetworks):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    return running


def same(first, second):
    return np.array_equal(first[0].pixels, second[0].pixels)


def test_a_file_counts_from_the_moment_it_is_there_and_as_it_is_now(place):
    plain = place.draw("a red circle")
    first_hash = place.write("deep/red")
    first = place.draw("a red circle")
    second_hash = place.write("deep/red", seed=1, rows=3)
    second = place.draw("a red circle")
    assert first[0].facts["TI hashes"] == f"red: {first_hash}"
    assert second[0].facts["TI hashes"] == f"red: {second_hash}"
    assert second[0].conditions["adapters"]["red"].startswith(second_hash)
    assert not same(plain, first)
    assert not same(first, second)
    (place.embeddings / "deep" / "red.safetensors").unlink()
    assert same(place.draw("a red circle"), plain)


def test_hashes_stand_in_a1111s_order_and_once_each(place):
    hashes = {name: place.write(name) for name in ("red", "circle", "yellow", "blue")}
    hires = Hires(scale=1.25, steps=1, negative_prompt="blue")
    image, _ = place.draw("circle AND [red:circle:0.5] red", negative_prompt="yellow, circle", hires=hires)
    order = [f"{name}: {hashes[name]}" for name in ("red", "circle", "yellow", "blue")]
    assert image.facts["TI hashes"] == ", ".join(order)


def test_hashes_can_be_left_out(place):
    place.write("red")
    image, _ = place.draw("red", textual_inversion_add_hashes_to_infotext=False)
    assert not image.facts.get("TI hashes")
    assert "red" in image.conditions["adapters"]


def test_what_is_broken_or_of_another_size_is_told_of_once_and_read_as_words(place):
    plain = place.draw("a red circle", negative_prompt="yellow")
    (place.embeddings / "red.pt").write_bytes(b"no pickle")
    place.write("circle", width=768)
    (place.embeddings / "blue.pt").write_bytes(b"not named, not told of")
    (place.embeddings / "empty.bin").write_bytes(b"")
    image, notices = place.draw("a red circle", negative_prompt="yellow", batch_count=2)
    assert same((image, notices), plain)
    assert len(notices) == 2
    assert "red.pt" in notices[0]
    assert "768 numbers, this checkpoint's 128" in notices[1]


def test_of_files_with_one_name_the_one_that_fits_counts(place):
    fitting = place.write("a/red")
    place.write("b/red", width=768)
    image, notices = place.draw("red")
    assert image.facts["TI hashes"] == f"red: {fitting}"
    assert notices == []


def test_a_picture_beside_a_file_of_its_name_is_not_opened(place):
    """It shows what the file is good for. Here it would bring an embedding of another name."""
    shutil.copy(FIXTURES / "embeddings" / "ti-png.png", place.embeddings / "red.png")
    assert "ti-png: " in place.draw("ti-png circle")[0].facts["TI hashes"]
    place.write("red")
    assert not place.draw("circle")[0].facts.get("TI hashes")
    assert "red: " in place.draw("red")[0].facts["TI hashes"]


def test_old_emphasis_has_embeddings_too(place):
    place.write("red")
    options = TextOptions(use_old_emphasis_implementation=True)
    with_file, _ = place.draw("a (red) circle", text=options)
    (place.embeddings / "red.safetensors").unlink()
    without, _ = place.draw("a (red) circle", text=options)
    assert not np.array_equal(with_file.pixels, without.pixels)


def test_hypernetworks_that_cannot_be_used_are_told_of(place):
    shutil.copy(FIXTURES / "hypernetworks" / "hyper-basic.pt", place.hypernetworks / "deep.pt")
    (place.hypernetworks / "broken.pt").write_bytes(b"no pickle")
    plain = place.draw("a red circle")
    tags = "<hypernet:gone:1><hypernet:gone:0.5><hypernet:broken><hypernet:deep:much><hypernet::1>"
    image, notices = place.draw(f"a red circle{tags}")
    assert same((image, notices), plain)
    assert len(notices) == 4
    assert all(word in "\n".join(notices) for word in ("'gone'", "broken.pt", "no number", "''"))


def test_a_hypernetwork_counts_with_its_strength_and_is_gone_afterwards(place):
    shutil.copy(FIXTURES / "hypernetworks" / "hyper-basic.pt", place.hypernetworks / "deep.pt")
    plain, none = place.draw("a red circle"), place.draw("a red circle<hypernet:deep:0>")
    one, half = place.draw("a red circle<hypernet:deep>"), place.draw("a red circle<hypernet:deep:0.5>")
    assert same(none, plain)
    assert not same(one, half)
    assert not same(half, plain)
    assert same(place.draw("a red circle"), plain)
    assert "deep" in half[0].conditions["adapters"]


@dataclass
class TwoEncoders:
    """As much of a checkpoint as prompts need; it remembers what it was asked."""

    text_widths = (2, 3)
    text_state = ""
    asked: list = field(default_factory=list)

    def encode_text(self, texts):
        self.asked.append(texts)
        return Conditioning(torch.zeros(len(texts.tokens), 77 * texts.tokens.shape[1], 4))


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer()


def library(folder, tokenizer):
    return EmbeddingLibrary(ModelFiles({"embedding": [folder]}, folder / "cache"), tokenizer.encode)


def prompts(model, conditioner, embeddings, positive, negative=""):
    reading = Reading(1, TextOptions(), Timeline(4), (64, 64))
    return conditioner.prompts(Lease("x", "1234", model), positive, negative, reading, embeddings)


def pair(folder, value, name="two"):
    vectors = {"clip_g": torch.full((2, 3), value), "clip_l": torch.full((2, 2), value)}
    save_file(vectors, folder / f"{name}.safetensors")


def test_each_text_encoder_gets_its_own_vectors(tmp_path, tokenizer):
    pair(tmp_path, 1.0)
    model = TwoEncoders()
    prompts(model, Conditioner(tokenizer), Embeddings(library(tmp_path, tokenizer), print, True), "a [two:(two:2):2]")
    placed = model.asked[0].placed
    assert [(one.text, one.chunk, one.position) for one in placed] == [(0, 0, 2), (1, 0, 2)]
    assert [tuple(vectors.shape) for vectors in placed[0].vectors] == [(2, 2), (2, 3)]
    assert model.asked[0].weights[1, 0, :5].tolist() == [1, 1, 2, 2, 1]


def test_equal_texts_are_encoded_once_until_an_embedding_in_them_changes(tmp_path, tokenizer):
    model, conditioner, files = TwoEncoders(), Conditioner(tokenizer), library(tmp_path, tokenizer)
    counts = []
    for value in (None, None, 1.0, 1.0, 2.0, None):
        (tmp_path / "two.safetensors").unlink(missing_ok=True)
        if value is not None:
            pair(tmp_path, value)
        prompts(model, conditioner, Embeddings(files, print, True), "one two")
        counts.append(len(model.asked))
    assert counts == [3, 3, 4, 4, 5, 5]


def test_a_renamed_file_is_found_under_its_old_name(tmp_path, tokenizer):
    pair(tmp_path, 1.0, name="new")
    file = ModelFile("embedding", tmp_path / "new.safetensors", "new.safetensors")
    embeddings = Embeddings(library(tmp_path, tokenizer), print, True, {"old": file})
    prompts(TwoEncoders(), Conditioner(tokenizer), embeddings, "old")
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert embeddings.facts == {"TI hashes": f"old: {digest[:12]}"}
    assert embeddings.sha256 == {"old": digest}


def test_what_a_lora_brings_along_counts_until_the_next_pass_and_not_instead_of_files(tmp_path, tokenizer):
    pair(tmp_path, 1.0, name="filed")
    model, embeddings = TwoEncoders(), Embeddings(library(tmp_path, tokenizer), print, True)
    vectors = torch.full((1, 2), 7.0), torch.full((1, 3), 7.0)
    embeddings.bundle([Embedding(name, vectors, "5678") for name in ("filed", "brought")])
    prompts(model, Conditioner(tokenizer), embeddings, "filed brought")
    assert [one.vectors[0][0, 0].item() for one in model.asked[0].placed] == [1.0, 7.0]
    assert "brought" not in embeddings.facts["TI hashes"]
    embeddings.bundle([])
    prompts(model, Conditioner(tokenizer), embeddings, "filed brought")
    assert len(model.asked[3].placed) == 1


def test_a_thousand_files_are_listed_without_being_opened(tmp_path, tokenizer):
    """None of these could be read, and nothing is told of them."""
    for number in range(1000):
        (tmp_path / f"style-{number}.pt").write_bytes(b"no pickle")
    told = []
    files = library(tmp_path, tokenizer)
    prompts(TwoEncoders(), Conditioner(tokenizer), Embeddings(files, told.append, True), "a style 7 circle")
    assert told == []
    prompts(TwoEncoders(), Conditioner(tokenizer), Embeddings(files, told.append, True), "a style-7 circle")
    assert len(told) == 1
    assert "style-7.pt" in told[0]


def test_a_prompts_embeddings_tell_how_many_tokens_they_take(place):
    place.write("red", rows=5)
    place.write("not named")
    (place.embeddings / "circle.pt").write_bytes(b"no pickle")
    assert place.engine.embedding_sizes("a (red:1.2) circle") == {"red": 5}
