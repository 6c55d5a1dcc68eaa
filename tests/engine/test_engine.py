"""What a job does, seen through its events."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from sdui.core.errors import Interrupted, ModelNotFound, RequestError
from sdui.core.events import ImageReady, Notice, Preview, Progress, Stop, StopToken
from sdui.core.networks import NetworkQuery
from sdui.core.request import GenerationRequest, HashRequest, LoadRequest, UnloadRequest
from sdui.core.settings import Preferences
from sdui.core.stages import InitImage
from sdui.engine.engine import Engine
from sdui.models.hashing import BackgroundHashing
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import draw, make_engine

ASKED = GenerationRequest(
    prompt="a red circle", seed=5, steps=3, width=64, height=64, sampler="Euler a", model="tiny-sd15"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("engine")
    write_tiny_checkpoint(work / "checkpoints")
    return make_engine([work / "checkpoints"], work)


def change(**values):
    return ASKED.model_copy(update=values)


def run(engine, request, react=lambda event, stop: None, **preferences):
    """All events; `react` may stop the job at any of them. The exception that ended the job is the last entry."""
    events, stop = [], StopToken()

    def emit(event):
        events.append(event)
        react(event, stop)

    try:
        engine.run(request, Preferences(**preferences), emit, stop)
    except (Interrupted, RequestError) as error:
        events.append(error)
    return events


def of_type(events, kind):
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ SDE", "DPM++ 2M"])
def test_a_picture_of_a_batch_equals_the_single_picture_with_its_seed(engine, sampler):
    batch = draw(engine, change(batch_size=2, batch_count=2, sampler=sampler))
    assert [image.request.seed for image in batch] == [5, 6, 7, 8]
    alone = draw(engine, batch[3].request)[0]
    assert np.abs(batch[3].pixels.astype(int) - alone.pixels.astype(int)).max() <= 1


def test_seed_minus_one_becomes_a_new_seed_each_time(engine):
    first, second = (draw(engine, change(seed=-1))[0].request.seed for _ in range(2))
    assert 0 <= first < 2**32 and first != second


def test_the_same_request_gives_the_same_pixels(engine):
    first, second = (draw(engine, ASKED)[0].pixels for _ in range(2))
    assert np.array_equal(first, second)


def test_every_step_is_reported_with_share_and_time_left(engine):
    progress = [event for event in of_type(run(engine, change(batch_count=2)), Progress) if event.stage == "Sampling"]
    assert [event.step for event in progress] == [1, 2, 3, 1, 2, 3]
    assert [event.done for event in progress] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert all(event.eta >= 0 for event in progress)


def test_previews_come_no_more_often_than_wanted_and_not_at_all_when_off(engine):
    assert 1 <= len(of_type(run(engine, change(steps=6), show_progress_every_n_steps=2), Preview)) <= 3
    assert not of_type(run(engine, ASKED, live_previews_enable=False), Preview)


@pytest.mark.parametrize("size", [{"width": 8, "height": 2048}, {"batch_size": 9}])
def test_a_preview_of_any_shape_is_a_picture(engine, size):
    # Nine pictures of the widest preview side by side are wider than browsers show.
    (preview,) = of_type(run(engine, change(steps=2, **size), live_previews_image_width=2048), Preview)
    assert max(Image.open(io.BytesIO(preview.jpeg)).size) <= 16384


def test_interrupt_acts_within_one_step(engine):
    def react(event, stop):
        if isinstance(event, Progress) and event.step == 2:
            stop.request(Stop.NOW)

    events = run(engine, change(steps=50), react)
    assert isinstance(events[-1], Interrupted)
    assert max(event.step for event in of_type(events, Progress)) == 2
    assert not of_type(events, ImageReady)


def test_what_was_reached_is_kept_when_the_user_wants_it(engine):
    def react(event, stop):
        if isinstance(event, Progress) and event.step == 2:
            stop.request(Stop.NOW)

    (ready,) = of_type(run(engine, change(steps=50), react, save_incomplete_images=True), ImageReady)
    assert ready.image.kind == "interrupted" and ready.image.pixels.shape == (64, 64, 3)


def test_skip_gives_up_one_batch_only(engine):
    def react(event, stop):
        if isinstance(event, Progress) and event.step == 1 and event.done < 0.3:
            stop.request(Stop.SKIP)

    events = run(engine, change(batch_count=2), react)
    assert [event.image.request.seed for event in of_type(events, ImageReady)] == [6]


def test_the_picture_that_is_being_drawn_is_finished_and_no_other_begun(engine):
    def react(event, stop):
        if isinstance(event, Progress) and event.step == 1:
            stop.request(Stop.AFTER)

    events = run(engine, change(batch_count=3), react)
    assert isinstance(events[-1], Interrupted)
    assert [event.image.request.seed for event in of_type(events, ImageReady)] == [5]
    whole = run(engine, change(batch_count=1), react)
    assert isinstance(whole[-1], ImageReady), "the last picture was finished, so nothing was given up"


@pytest.mark.parametrize("levels", [(Stop.AFTER, Stop.SKIP), (Stop.SKIP, Stop.AFTER), (Stop.AFTER, Stop.NOW)])
def test_who_does_not_want_the_last_picture_either_ends_the_job_at_once(engine, levels):
    def react(event, stop):
        if isinstance(event, Progress) and event.step == 1:
            for level in levels:
                stop.request(level)

    events = run(engine, change(batch_count=3, steps=20), react)
    assert isinstance(events[-1], Interrupted) and not of_type(events, ImageReady)
    assert max(event.step for event in of_type(events, Progress)) == 1


def test_several_pictures_get_a_grid(engine):
    ready = of_type(run(engine, change(batch_size=2, batch_count=2)), ImageReady)
    assert [event.image.kind for event in ready] == ["image"] * 4 + ["grid"]
    assert ready[-1].image.pixels.shape == (128, 128, 3)
    assert ready[-1].image.shown
    assert not [e for e in of_type(run(engine, ASKED), ImageReady) if e.image.kind == "grid"]


def test_a_grid_can_be_saved_without_being_shown(engine):
    events: list = []
    engine.run(change(batch_size=2), Preferences(return_grid=False), events.append, StopToken())
    assert [(event.image.kind, event.image.shown) for event in of_type(events, ImageReady)] == [
        ("image", True),
        ("image", True),
        ("grid", False),
    ]


def test_the_negative_prompt_acts_and_is_without_effect_at_cfg_1(engine):
    plain, other = (draw(engine, change(negative_prompt=text))[0].pixels for text in ("", "blue square"))
    assert not np.array_equal(plain, other)
    plain, other = (draw(engine, change(negative_prompt=text, cfg_scale=1))[0].pixels for text in ("", "blue square"))
    assert np.array_equal(plain, other)


def test_the_request_of_a_picture_names_its_checkpoint_and_hash(engine):
    made = draw(engine, ASKED)[0].request
    assert made.model == "tiny-sd15" and len(made.model_hash) == 10
    assert np.array_equal(draw(engine, made)[0].pixels, draw(engine, ASKED)[0].pixels)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"sampler": "Eulr"}, "Sampling method.*Euler a"), ({"schedule": "Karas"}, "Schedule type.*Karras")],
)
def test_an_unknown_name_is_answered_with_the_known_ones(engine, wrong, message):
    with pytest.raises(RequestError, match=message):
        draw(engine, change(**wrong))


def test_an_unknown_checkpoint_leaves_the_loaded_one_in_place(engine):
    draw(engine, ASKED)
    with pytest.raises(ModelNotFound, match="no 'nope'"):
        draw(engine, change(model="nope"))
    assert not [e for e in of_type(run(engine, ASKED), Progress) if e.stage.startswith("Loading")]


def test_without_a_checkpoint_it_is_said_where_to_put_one(tmp_path):
    with pytest.raises(ModelNotFound, match=f"Put a .safetensors file into {tmp_path / 'nowhere'}"):
        draw(make_engine([tmp_path / "nowhere"], tmp_path), ASKED)


def test_loading_ahead_makes_the_first_picture_start_at_once(tmp_path):
    write_tiny_checkpoint(tmp_path)
    engine = make_engine([tmp_path], tmp_path)
    assert [event.stage for event in run(engine, LoadRequest())] == ["Loading tiny-sd15"]
    assert of_type(run(engine, ASKED), Progress)[0].stage == "Sampling"


def test_unloading_and_hashing_say_what_they_have_done(tmp_path):
    write_tiny_checkpoint(tmp_path)
    engine = make_engine([tmp_path], tmp_path)
    run(engine, LoadRequest())
    assert [notice.text for notice in of_type(run(engine, UnloadRequest()), Notice)] == [
        "There is no GPU here that could be freed: the checkpoint is in RAM, and stays there."
    ]
    (told,) = of_type(run(engine, HashRequest()), Notice)
    assert "hashes" in told.text and len(engine.catalog().checkpoints[0].hashes[0]) == 64
    assert engine.catalog().device == "cpu, fp32"


def test_a_prompt_of_50000_characters_and_an_empty_one_are_drawn(engine):
    for prompt, remark in (("", "it is empty"), ("red circle, " * 4200, "chunks of 75 tokens")):
        events = run(engine, change(prompt=prompt, steps=1))
        assert [remark in notice.text for notice in of_type(events, Notice)] == [True]
        assert of_type(events, ImageReady)[0].image.pixels.shape == (64, 64, 3)


def test_a_size_that_no_memory_can_hold_is_refused_before_anything_is_drawn(engine):
    with pytest.raises(RequestError, match=r"16384x16384 needs about .* GB"):
        draw(engine, change(width=16384, height=16384))


def test_a_seed_whose_batch_would_leave_the_range_is_refused(engine):
    with pytest.raises(RequestError, match="Seed: 9223372036854775807 is too large"):
        draw(engine, change(seed=2**63 - 1, batch_size=2))
    assert draw(engine, change(seed=2**63 - 1))[0].request.seed == 2**63 - 1


@pytest.mark.parametrize("sampler", ["Euler a", "DPM++ 2M", "DPM++ SDE", "DDIM"])
@pytest.mark.parametrize("strength", [None, 0.0, 0.3, 1.0])
def test_one_step_at_any_strength_gives_a_picture(engine, sampler, strength):
    init = None if strength is None else InitImage(image=white_png(), denoising_strength=strength)
    assert draw(engine, change(sampler=sampler, steps=1, init=init))[0].pixels.shape == (64, 64, 3)


def white_png():
    data = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(data, "PNG")
    return data.getvalue()


def test_a_picture_does_not_have_the_hashes_of_another_ones_networks(engine):
    (image,) = draw(engine, change(others={"Lora hashes": "hat: 0123456789ab", "ControlNet 0": "x"}))
    assert image.request.others == {"ControlNet 0": "x"}


def test_files_are_not_hashed_while_a_picture_is_drawn(tmp_path):
    write_tiny_checkpoint(tmp_path / "checkpoints")
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "hat.safetensors").write_bytes(bytes(2**20))
    plain = make_engine([tmp_path / "checkpoints"], tmp_path, lora=tmp_path / "lora")
    files = plain._models.files
    hashing = BackgroundHashing(files)
    engine = Engine(plain._models, plain._samplers, tmp_path, hashing)
    (hat,) = files.of("lora")
    begun = []

    def start(event, stop):
        if not begun:
            begun.append(event)
            hashing.start()
        assert not files.known(hat).autov3

    assert of_type(run(engine, ASKED, start), ImageReady)
    end = time.monotonic() + 20
    while engine.catalog().hashing and time.monotonic() < end:
        time.sleep(0.01)
    assert files.known(hat).autov3
    assert [card.name for card in engine.library().page(NetworkQuery("lora")).entries] == ["hat"]
    engine.close()
