"""Interrogators: from folders alone, missing files in words, freed after use."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from sdui.builtin.describers.engine import describers
from sdui.core.errors import ModelFileError, RequestError
from sdui.core.events import Described, StopToken
from sdui.core.extras import InterrogateRequest
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context
from sdui.models.describing.caption import load_ranker
from sdui.models.files import ModelFiles
from sdui.models.side_models import SideModels
from sdui.models.store import ModelStore
from tests.builtin.test_scripts import png
from tests.support.onnx_files import mean_colour
from tests.support.running import make_engine

WORDS = ["red", "blue", "a", "circle", "on", "sky"]


def offered(folder, work):
    files = ModelFiles({"checkpoint": [], "describer": [folder]}, work / "cache")
    store = ModelStore(files, device="cpu", precision="fp32")
    return store, {one.name: one for one in describers(store)}


def context(**preferences):
    return Context(Preferences(**preferences), lambda event: None, StopToken())


@pytest.fixture
def tagger(tmp_path):
    folder = tmp_path / "interrogate/wd-tiny"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(mean_colour(8))
    # The network answers in the order of BGR, 0..255.
    (folder / "selected_tags.csv").write_text(
        "tag_id,name,category,count\n1,sky_(blue),0,9\n2,o_o,0,8\n3,red_hero,4,7\n"
    )
    return folder


def test_tags_over_their_thresholds_are_written_as_prompts_have_them(tagger, tmp_path):
    store, found = offered(tmp_path / "interrogate", tmp_path)
    red = Image.new("RGB", (20, 20), (255, 0, 0))
    blue = Image.new("RGB", (20, 20), (0, 0, 255))
    assert found["WD wd-tiny"].describe(red, context()) == "red hero"
    assert found["WD wd-tiny"].describe(blue, context()) == r"sky \(blue\)"
    plain = context(deepbooru_escape=False, deepbooru_use_spaces=False, interrogate_return_ranks=True)
    assert found["WD wd-tiny"].describe(blue, plain) == "(sky_(blue):255.000)"
    white = Image.new("RGB", (20, 20), "white")
    assert found["WD wd-tiny"].describe(white, context()) == r"o o, red hero, sky \(blue\)"
    unsorted = context(deepbooru_sort_alpha=False, deepbooru_filter_tags="o_o, other")
    assert found["WD wd-tiny"].describe(white, unsorted) == r"sky \(blue\), red hero"
    assert not store.side._idle
    found["WD wd-tiny"].describe(red, context(interrogate_keep_models_in_memory=True))
    assert store.side._idle
    store.unload_all()
    assert not store.side._idle


def test_broken_files_are_named(tagger, tmp_path):
    _, found = offered(tmp_path / "interrogate", tmp_path)
    image = Image.new("RGB", (8, 8))
    (tagger / "selected_tags.csv").write_text("tag_id,name,category\n1,only,0\n")
    with pytest.raises(ModelFileError, match=r"selected_tags\.csv has 1 tags, model\.onnx beside it gives 3"):
        found["WD wd-tiny"].describe(image, context())
    (tagger / "model.onnx").write_bytes(b"no network")
    with pytest.raises(ModelFileError, match=r"model\.onnx is no ONNX network"):
        found["WD wd-tiny"].describe(image, context())


def test_without_files_each_says_what_is_missing(tmp_path):
    engine = make_engine([tmp_path], tmp_path, describer=tmp_path / "interrogate")
    names = {choice.name: choice.problem for choice in engine.catalog().describers}
    assert list(names) == ["CLIP", "DeepDanbooru", "BLIP"]
    assert all("put a folder with its config.json" in names[name] for name in ("CLIP", "BLIP"))
    assert names["DeepDanbooru"] == f"it needs model-resnet_custom_v3.pt: put it into {tmp_path / 'interrogate'}."
    request = InterrogateRequest(image=png(Image.new("RGB", (8, 8))))
    with pytest.raises(RequestError, match=r"Interrogator: it needs BLIP.*interrogate"):
        engine.run(request, Preferences(), lambda event: None, StopToken())
    with pytest.raises(RequestError, match="there is no 'Oracle'; known are CLIP, DeepDanbooru, BLIP"):
        engine.run(request.model_copy(update={"describer": "Oracle"}), Preferences(), lambda event: None, StopToken())


def test_a_request_is_answered_with_the_words(tagger, tmp_path):
    engine = make_engine([tmp_path], tmp_path, describer=tmp_path / "interrogate")
    events = []
    request = InterrogateRequest(image=png(Image.new("RGB", (8, 8), "red")), describer="WD wd-tiny")
    engine.run(request, Preferences(), events.append, StopToken())
    assert [event.text for event in events if isinstance(event, Described)] == ["red hero"]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """Tiny BLIP and CLIP with random weights, saved as transformers saves them."""
    from transformers import (
        BertTokenizer,
        BlipConfig,
        BlipForConditionalGeneration,
        BlipImageProcessor,
        BlipProcessor,
        CLIPConfig,
        CLIPImageProcessor,
        CLIPModel,
        CLIPProcessor,
    )

    folder = tmp_path_factory.mktemp("interrogate")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    tokenizer = BertTokenizer(str(folder / "vocab.txt"))
    torch.manual_seed(0)
    size = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = size | {
        "vocab_size": len(vocabulary),
        "bos_token_id": 5,
        "eos_token_id": 3,
        "sep_token_id": 3,
        "pad_token_id": 0,
    }
    text |= {"encoder_hidden_size": 32, "projection_dim": 16, "max_position_embeddings": 64}
    vision = size | {"image_size": 32, "patch_size": 16}
    blip = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision, projection_dim=16))
    blip.save_pretrained(folder / "blip-tiny")
    pictures = {"size": {"height": 32, "width": 32}, "do_center_crop": False}
    BlipProcessor(BlipImageProcessor(**pictures), tokenizer).save_pretrained(folder / "blip-tiny")
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16))
    clip.save_pretrained(folder / "clip-tiny")
    CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32), tokenizer).save_pretrained(
        folder / "clip-tiny"
    )
    (folder / "vocab.txt").unlink()
    (folder / "colours.txt").write_text("red\nblue\n\n")
    (folder / "things.top2.txt").write_text("circle\nsky\non\n")
    return folder


def test_blip_says_what_transformers_says_and_clip_ranks_words(networks, tmp_path):
    store, found = offered(networks, tmp_path)
    image = Image.fromarray(np.linspace(0, 255, 40 * 40 * 3).reshape(40, 40, 3).astype(np.uint8))
    short = {"interrogate_clip_min_length": 3, "interrogate_clip_max_length": 6}
    caption = found["BLIP"].describe(image, context(**short))
    assert caption == found["BLIP"].describe(image, context(**short))
    ranker = load_ranker(networks / "clip-tiny", SideModels(torch.device("cpu"), torch.float32))
    colours, things = (ranker.ranked(image, words) for words in (["red", "blue"], ["circle", "sky", "on"]))
    given = ranker.processor(text=["red", "blue"], images=image, return_tensors="pt", padding=True)
    with torch.inference_mode():
        expected = ranker.network(**given)
        alike = (expected.image_embeds @ expected.text_embeds.T * 100).softmax(-1)[0].tolist()
    assert dict(colours) == pytest.approx({"red": alike[0], "blue": alike[1]}, abs=1e-4)
    said = found["CLIP"].describe(image, context(**short))
    assert said == ", ".join([caption, colours[0][0], things[0][0], things[1][0]])
    skipped = context(**short, interrogate_clip_skip_categories=("colours", "things.top2"))
    assert found["CLIP"].describe(image, skipped) == caption
    assert not store.side._idle


HALVING = {0, 11, 13, 36, 38, 98, 100, 158, 160, 168, 170}
SHORTCUTS = {2: 1, 12: 11, 37: 36, 97: 100, 159: 158, 169: 168}
"""Convolutions beside the block that begins with this one."""
BLOCKS = [number for number in range(2, 178) if number not in SHORTCUTS.values()][::3]
TAGS = ["sky_(blue)", "^_^", "red", "rating:safe"]


@pytest.fixture(scope="module")
def danbooru_weights():
    """DeepDanbooru's convolutions by their numbers in A1111's file, a few channels wide."""
    random = torch.Generator().manual_seed(3)

    def made(number, out, given, side=1):
        kernel = torch.randn(out, given, side, side, generator=random) / (given * side * side) ** 0.5
        bias = {} if number == 178 else {f"n_Conv_{number}.bias": torch.randn(out, generator=random) / 9}
        return {f"n_Conv_{number}.weight": kernel} | bias

    weights, width = made(0, 4, 3, 7), 4
    for first in BLOCKS:
        # As in the real one, the fourth stage is no wider than the third.
        wide = width * 2 if first in SHORTCUTS and first != 97 else width
        weights |= made(first, 3, width) | made(first + 1, 3, 3, 3) | made(first + 2, wide, 3)
        if first in SHORTCUTS:
            weights |= made(SHORTCUTS[first], wide, width)
        width = wide
    return weights | made(178, len(TAGS), width)


def likelihoods(weights, pixels):
    def convolved(number, x):
        kernel, stride = weights[f"n_Conv_{number}.weight"], 2 if number in HALVING else 1
        pads = {1: (0, 0), 7: (2, 3), 3: (0, 1) if stride == 2 else (1, 1)}[kernel.shape[-1]]
        padded = functional.pad(x, pads * 2)
        return functional.conv2d(padded, kernel, weights.get(f"n_Conv_{number}.bias"), stride)

    x = functional.pad(convolved(0, pixels).relu(), (0, 1, 0, 1), value=-torch.inf)
    x = functional.max_pool2d(x, 3, 2)
    for first in BLOCKS:
        inner = convolved(first + 1, convolved(first, x).relu()).relu()
        beside = convolved(SHORTCUTS[first], x) if first in SHORTCUTS else x
        x = (convolved(first + 2, inner) + beside).relu()
    return convolved(178, x).mean((2, 3)).sigmoid()[0].tolist()


def test_deepdanbooru_tags_as_its_network_does(danbooru_weights, tmp_path):
    folder = tmp_path / "torch_deepdanbooru"
    folder.mkdir()
    torch.save(danbooru_weights | {"tags": TAGS}, folder / "model-resnet_custom_v3.pt")
    store, found = offered(folder, tmp_path)
    pixels = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)
    given = torch.from_numpy(pixels).float().permute(2, 0, 1)[None] / 255
    expected = dict(zip(TAGS, likelihoods(danbooru_weights, given), strict=True))
    settings = {"interrogate_deepbooru_score_threshold": 0, "interrogate_return_ranks": True}
    said = found["DeepDanbooru"].describe(Image.fromarray(pixels), context(**settings))
    shares = [f"{expected[tag]:.3f}" for tag in ("^_^", "red", "sky_(blue)")]
    assert len({*shares, "0.000", "0.500", "1.000"}) == 6
    assert said == f"(^ ^:{shares[0]}), (red:{shares[1]}), " + rf"(sky \(blue\):{shares[2]})"
    between = sum(sorted(expected[tag] for tag in TAGS[:3])[1:]) / 2
    alone = context(interrogate_deepbooru_score_threshold=between, deepbooru_use_spaces=False, deepbooru_escape=False)
    assert found["DeepDanbooru"].describe(Image.fromarray(pixels), alone) == max(TAGS[:3], key=expected.get)
    wide = Image.new("RGB", (60, 20))
    assert "sky (blue)" not in found["DeepDanbooru"].describe(wide, context(deepbooru_filter_tags="sky (blue)"))
    assert not store.side._idle


def test_a_broken_deepdanbooru_is_named(danbooru_weights, tmp_path):
    file = tmp_path / "model-resnet_custom_v3.pt"
    cut = {name: tensor for name, tensor in danbooru_weights.items() if not name.startswith("n_Conv_99.")}
    for weights, says in [
        (danbooru_weights, "holds no list of tags"),
        (danbooru_weights | {"tags": TAGS[1:]}, "list of tags does not fit"),
        (cut | {"tags": TAGS}, "n_Conv_99"),
    ]:
        torch.save(weights, file)
        _, found = offered(tmp_path, tmp_path)
        with pytest.raises(ModelFileError, match=rf"model-resnet_custom_v3\.pt is .*{says}"):
            found["DeepDanbooru"].describe(Image.new("RGB", (8, 8)), context())
