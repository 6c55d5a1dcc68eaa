"""Each picture has words of its own, its text draws it again, and the template is kept."""

import numpy as np
import pytest

from sdui.builtin.dynamic_prompts.engine import texts
from sdui.core import infotext
from sdui.core.request import GenerationRequest
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import draw, make_engine, make_host

REQUEST = make_host().request(GenerationRequest, "always", "script")
SMALL = {"steps": 1, "width": 64, "height": 64, "sampler": "Euler"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("dynamic")
    write_tiny_checkpoint(work / "checkpoints")
    (work / "wildcards").mkdir()
    (work / "wildcards/colours.txt").write_text("red\nblue\nyellow\n")
    return make_engine([work / "checkpoints"], work)


def test_each_picture_of_a_batch_has_its_own_words(engine):
    request = REQUEST(prompt="a __colours__ {circle|square}", seed=11, batch_size=3, batch_count=2, **SMALL)
    images = draw(engine, request)
    prompts = [image.request.prompt for image in images]
    assert len(set(prompts)) > 1 and all("_" not in prompt and "{" not in prompt for prompt in prompts)
    assert [image.request.seed for image in images] == [11, 12, 13, 14, 15, 16]
    text = infotext.write(images[4].request, images[4].facts)
    assert "Template: a __colours__ {circle|square}" in text
    again = infotext.read(text, REQUEST)
    assert again.prompt == prompts[4] and again.others == {}
    difference = draw(engine, again)[0].pixels.astype(int) - images[4].pixels
    assert np.abs(difference).max() <= 1
    alone = draw(engine, request.model_copy(update={"seed": 15, "batch_size": 1, "batch_count": 1}))[0]
    assert alone.request.prompt == prompts[4]


def test_a_missing_wildcard_is_told_of_once(tmp_path):
    told = []
    request = REQUEST(prompt="__nowhere__ __nowhere__ {red|red}")
    made = texts(request, [1, 2], [0, 0], tmp_path, told.append)
    assert [text.prompt for text in made] == ["__nowhere__ __nowhere__ red"] * 2
    assert told == [f"Prompt: there is no wildcard __nowhere__ in {tmp_path / 'wildcards'}; it stays as it is."]
    assert texts(REQUEST(prompt="(red:1.2) [a|b]"), [1], [0], tmp_path, told.append) is None
