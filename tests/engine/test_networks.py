"""What tags for networks in a prompt do to a job: the picture, its text and what the user is told."""

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sdui.core import infotext
from sdui.core.events import ImageReady, Notice, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import Hires
from tests.support.checkpoints import FIXTURES, write_tiny_checkpoint
from tests.support.running import draw, make_engine

ASKED = GenerationRequest(
    prompt="a red circle", seed=5, steps=3, width=64, height=64, sampler="Euler", model="tiny-sd15"
)
SMALL = {"width": 32, "height": 32, "steps": 1}


@pytest.fixture(scope="module")
def loras(tmp_path_factory):
    """A folder of files that tests may add to."""
    folder = tmp_path_factory.mktemp("loras")
    for name in ("lora-basic", "ia3", "lora-noalpha"):
        shutil.copyfile(FIXTURES / "Lora" / f"{name}.safetensors", folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="module")
def engine(loras, tmp_path_factory):
    work = tmp_path_factory.mktemp("networks")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work, lora=loras)


def change(tags, **values):
    return ASKED.model_copy(update={"prompt": f"a red circle{tags}", **values})


def pixels(engine, tags, **values):
    return draw(engine, change(tags, **values))[0].pixels.astype(int)


def told(engine, tags, **values):
    """The notices and the first picture."""
    events = []
    engine.run(change(tags, **values), Preferences(grid_save=False), events.append, StopToken())
    notices = [event.text for event in events if isinstance(event, Notice)]
    return notices, next(event.image for event in events if isinstance(event, ImageReady))


def hashes(image):
    return infotext.parse(infotext.write(image.request, image.facts)).pairs.get("Lora hashes")


def test_a_lora_counts_only_in_the_job_that_asks_for_it(engine):
    plain = pixels(engine, "")
    with_lora = pixels(engine, " <lora:lora-basic:1>")
    assert np.abs(plain - with_lora).max() > 20
    assert np.array_equal(pixels(engine, ""), plain)
    assert np.array_equal(pixels(engine, " <lora:lora-basic:1>"), with_lora)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<lora:lora-basic>", "<lora:lora-basic:1:1>"),
        ("<lora:lora-basic:0.5>", "<lyco:lora-basic:0.5:0.5>"),
        ("<lora:lora-basic:0.5>", "<lora:lora-basic:te=0.5:unet=0.5>"),
        ("<lora:lora-basic:0.2:0.7>", "<lora:lora-basic:unet=0.7:te=0.2>"),
        ("<lora:lora-basic:0.2:0.7:2>", "<lora:lora-basic:0.2:0.7:dyn=2>"),
        ("<lora:lora-basic:1:dyn=4>", "<lora:lora-basic:1>"),
        ("<lora:lora-noalpha-alias:1>", "<lora:lora-noalpha:1>"),
        ("<lora:lora-basic:0.2><lora:lora-basic:0.5>", "<lora:lora-basic:0.5><lora:lora-basic:0.5>"),
    ],
)
def test_two_ways_of_saying_the_same(engine, one, other):
    assert np.array_equal(pixels(engine, one), pixels(engine, other))


def test_strengths_and_ranks_matter(engine):
    tags = ("<lora:lora-basic:1>", "<lora:lora-basic:0.5>", "<lora:lora-basic:1:0.5>", "<lora:lora-basic:1:dyn=1>")
    made = [pixels(engine, tag) for tag in tags]
    assert all(not np.array_equal(a, b) for i, a in enumerate(made) for b in made[:i])


def test_the_text_encoders_part_acts_on_the_negative_prompt_too(engine):
    with_te, without = (
        pixels(engine, f"<lora:lora-basic:{te}:0>", negative_prompt="yellow, stripes") for te in ("1", "0")
    )
    assert not np.array_equal(with_te, without)


def test_missing_loras_are_listed_and_the_picture_is_drawn(engine, loras):
    notices, image = told(engine, "<lora:nope:1><lora:lora-basic:1><lora:never:1><lora:nope:1>")
    assert notices == [f"Prompt: there is no LoRA 'nope', 'never' in {loras}; drawn without."]
    assert np.array_equal(image.pixels, pixels(engine, "<lora:lora-basic:1>"))
    assert hashes(image) == "lora-basic: 40cab4d5eea9"


def test_a_strength_that_is_no_number_is_told_of(engine):
    notices, image = told(engine, "<lora:lora-basic:much>")
    assert notices == ["Prompt: <lora:lora-basic:much> has a strength that is no number; drawn without it."]
    assert np.array_equal(image.pixels, pixels(engine, ""))


def test_a_lora_of_another_kind_of_checkpoint_is_named(engine, loras):
    save_file({"lora_te2_text_model_encoder_layers_0_mlp_fc1.diff": torch.ones(3, 3)}, loras / "of-sdxl.safetensors")
    notices, _ = told(engine, "<lora:of-sdxl:1>", **SMALL)
    (notice,) = notices
    assert "'of-sdxl' is left out" in notice and "tiny-sd15 has none of the 1 layers" in notice


def test_a_lora_that_fits_in_part_is_named(engine, loras):
    tensors = load_file(loras / "ia3.safetensors") | {"lora_unet_conv_in.diff": torch.ones(3, 3)}
    save_file(tensors, loras / "half.safetensors")
    notices, _ = told(engine, "<lora:half:1>", **SMALL)
    assert "'half' fits tiny-sd15 only in part: 1 of the 81 layers" in notices[0]


def test_a_broken_file_is_named_with_its_path_and_the_picture_is_drawn(engine, loras):
    broken = loras / "broken.safetensors"
    broken.write_bytes((loras / "ia3.safetensors").read_bytes()[:-100])
    notices, image = told(engine, "<lora:broken:1>")
    assert "'broken' is left out" in notices[0] and str(broken) in notices[0]
    assert np.array_equal(image.pixels, pixels(engine, ""))
    assert hashes(image) is None


def test_a_notice_is_given_once_in_a_job(engine):
    hires = Hires(scale=1.0, denoising_strength=0.5, steps=1)
    notices, _ = told(engine, "<lora:nope:1>", batch_count=2, hires=hires, **SMALL)
    assert len(notices) == 1


def test_each_pass_of_hires_fix_has_the_networks_of_its_own_prompt(engine):
    hires = Hires(scale=2.0, upscaler="Latent", denoising_strength=0.6, prompt="a red circle <lora:ia3:1>")
    made = {tags: draw(engine, change(tags, hires=hires, **SMALL))[0].pixels for tags in ("", "<lora:lora-basic:1>")}
    assert not np.array_equal(*made.values())
    plain = hires.model_copy(update={"prompt": "a red circle"})
    assert not np.array_equal(draw(engine, change("", hires=plain, **SMALL))[0].pixels, made[""])


def test_the_second_pass_hashes_are_written_or_the_firsts_where_it_has_none(engine):
    hires = Hires(scale=1.0, denoising_strength=0.5, steps=1, prompt="a red circle <lora:ia3:1>")
    assert hashes(told(engine, "<lora:lora-basic:1>", hires=hires, **SMALL)[1]) == "ia3: 8096804b20a1"
    without = hires.model_copy(update={"prompt": "a red circle"})
    assert hashes(told(engine, "<lora:lora-basic:1>", hires=without, **SMALL)[1]) == "lora-basic: 40cab4d5eea9"


def test_the_record_of_a_picture_has_the_files_it_was_drawn_with(engine):
    adapters = told(engine, "<lora:lora-basic:1>", **SMALL)[1].conditions["adapters"]
    assert adapters.keys() == {"lora-basic"} and len(adapters["lora-basic"]) == 64
    assert told(engine, "", **SMALL)[1].conditions["adapters"] == {}


def test_hashes_of_an_earlier_picture_do_not_stay_in_the_text(engine):
    read = infotext.read(
        'a red circle\nSteps: 1, Sampler: Euler, Seed: 5, Size: 32x32, Lora hashes: "old: 0123456789ab"'
    )
    image = draw(engine, read.model_copy(update={"model": "tiny-sd15"}))[0]
    assert hashes(image) is None
