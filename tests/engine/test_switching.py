"""Jobs with several checkpoints, and jobs one after the other."""

import numpy as np
import pytest

from sdui.core.events import ImageReady, Progress, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import Hires, Refiner
from tests.support.models import SmallMachine, garble, wait_for_reader, write_checkpoints
from tests.support.running import make_engine

ASKED = GenerationRequest(prompt="a red circle", seed=5, steps=4, width=64, height=64, sampler="Euler a", model="a")


@pytest.fixture
def folder(tmp_path):
    write_checkpoints(tmp_path / "checkpoints", "a", "b", "c")
    return tmp_path / "checkpoints"


@pytest.fixture
def engine(folder, tmp_path):
    return make_engine([folder], tmp_path)


def run(engine, request, react=lambda event: None, **preferences):
    """The pixels of each picture, and what was loaded for them."""
    pictures, loaded = [], []

    def emit(event):
        if isinstance(event, ImageReady) and event.image.kind == "image":
            pictures.append(event.image.pixels)
        if isinstance(event, Progress) and event.stage.startswith("Loading"):
            loaded.append(event.stage)
        react(event)

    engine.run(request, Preferences(**preferences), emit, StopToken())
    return pictures, loaded


def change(**values):
    return ASKED.model_copy(update=values)


def test_the_users_limit_holds_from_one_job_to_the_next(engine):
    loaded = [run(engine, change(model=name), sd_checkpoints_limit=2)[1] for name in "abab"]
    assert loaded == [["Loading a"], ["Loading b"], [], []]
    assert run(engine, change(model="a"))[1] == []
    assert run(engine, change(model="b"))[1] == ["Loading b"]


def test_the_next_jobs_checkpoint_is_there_when_its_turn_comes(engine, folder):
    expected = {name: run(engine, change(model=name))[0] for name in "ab"}
    run(engine, change(model="c"))

    def react(event):
        if isinstance(event, Progress) and event.stage == "Sampling" and event.step == 2:
            engine.prepare(change(model="b"))
            wait_for_reader()

    pictures, _ = run(engine, change(model="a"), react)
    assert np.array_equal(pictures, expected["a"]), "the running job's picture is the same"
    garble(folder / "b.safetensors")
    pictures, loaded = run(engine, change(model="b"))
    assert loaded == []
    assert np.array_equal(pictures, expected["b"])


def test_what_was_announced_before_a_job_drew_is_read_when_it_does(engine):
    engine.prepare(change(model="b"))
    run(engine, change(model="a"))
    wait_for_reader()
    assert run(engine, change(model="b"))[1] == []


def test_another_order_than_announced_gives_the_same_pictures(engine):
    expected = run(engine, change(model="c"))[0]
    engine.prepare(change(model="b"))
    run(engine, change(model="a"))
    engine.prepare(None)
    pictures, loaded = run(engine, change(model="c"))
    assert np.array_equal(pictures, expected)
    assert loaded == ["Loading c"]


def test_base_and_refiner_take_turns_where_memory_holds_only_one(engine, monkeypatch):
    stages = {"hires": Hires(model="c", scale=1.5, steps=2, upscaler="Latent")}
    request = change(batch_count=2, refiner=Refiner(model="b", switch_at=0.5, hires_pass="both passes"), **stages)
    expected, _ = run(engine, request)
    engine._models.unload_all()
    SmallMachine(monkeypatch, engine._models, checkpoints=1.5)
    pictures, _ = run(engine, request)
    assert len(pictures) == 2
    assert np.array_equal(pictures, expected)


@pytest.mark.parametrize("mode", ["model", "sequential"])
def test_pictures_do_not_depend_on_what_is_on_the_device(engine, mode):
    expected, _ = run(engine, ASKED)
    with engine._models.lease("a", "", lambda name: None) as lease:
        lease.model.placement.settle(engine._models.device, mode)
    pictures, loaded = run(engine, ASKED)
    assert loaded == []
    assert np.array_equal(pictures, expected)
