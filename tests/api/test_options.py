"""/sdapi/v1/options: what is set can be read back, and what cannot be set changes nothing."""

import json
import threading
from pathlib import Path

import pytest

import sdui.api
from sdui.core.request import LoadRequest
from tests.support.servers import wait_until

OPTIONS = "/sdapi/v1/options"
ASSETS = Path(sdui.api.__file__).parent / "assets"


def test_settings_of_a1111_are_there_under_its_names_with_its_defaults(interface):
    told = interface.get(OPTIONS)
    assert told["samples_format"] == "png" and told["CLIP_stop_at_last_layers"] == 1
    assert told["grid_extended_filename"] is False and told["live_preview_refresh_period"] == 1000
    assert told["sd_model_checkpoint"] == "demo.safetensors [0123456789]"


def test_a_default_of_a1111_is_only_told_where_there_is_no_setting(settings_model):
    foreign = json.loads((ASSETS / "a1111_options.json").read_text(encoding="utf-8"))
    assert foreign.keys().isdisjoint(settings_model.model_fields)


def test_what_is_set_counts_and_is_told_and_stays(interface):
    set_to = {"jpeg_quality": 50, "live_preview_refresh_period": 300, "some_extension_wants": {"a": [1, None]}}
    assert interface.post(OPTIONS, set_to) is None
    assert interface.settings.jpeg_quality == 50
    told = interface.get(OPTIONS)
    assert {name: told[name] for name in set_to} == set_to
    kept = json.loads((interface.folder / "config.json").read_text())
    assert {name: kept[name] for name in set_to} == set_to


def test_all_that_was_told_can_be_sent_back(interface):
    told = interface.get(OPTIONS)
    interface.post(OPTIONS, told)
    assert interface.get(OPTIONS) == told and interface.worker.tasks == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"jpeg_quality": 500}, "jpeg_quality: 500 is too large, at most 100."),
        ({"samples_format": "bmp"}, "known are png, jpg, webp"),
        ({"grid_extended_filename": "perhaps"}, "grid_extended_filename"),
        ({"n_rows": None}, "n_rows"),
        ({"sd_model_checkpoint": 5}, "sd_model_checkpoint"),
        ({"sd_model_checkpoint": "broken"}, "the file ends in the middle of a tensor"),
    ],
    ids=["range", "choice", "type", "null", "no name", "damaged"],
)
def test_what_is_not_valid_changes_nothing(interface, wrong, says):
    before = interface.get(OPTIONS)
    answer = interface.client.post(OPTIONS, json={"samples_save": False, "font": "x"} | wrong)
    assert answer.status_code == 422 and says in answer.json()["errors"]
    assert answer.json()["detail"][0]["loc"] == ["body", next(iter(wrong))]
    assert interface.get(OPTIONS) == before


@pytest.mark.parametrize(
    "body", ['{"x": NaN}', '{"font": "\\ud800"}', '{"x\\ud800": 1}', '{"x":' + "[" * 300 + "]" * 300 + "}", "[]", "1"]
)
def test_what_no_file_can_hold_is_refused(interface, body):
    answer = interface.client.post(OPTIONS, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    interface.get(OPTIONS)


def test_a_file_with_nonsense_for_other_programs_is_told_as_far_as_possible(interface):
    interface.services.settings.change({"font": 3, "x": float("nan"), "save_mask": True, "y": 1})
    told = interface.get(OPTIONS)
    assert (told["font"], told["save_mask"], told["y"]) == ("", True, 1) and "x" not in told


@pytest.mark.parametrize("name", ["large", "large.safetensors", "large.safetensors [abcdefabcd]", "ABCDEFABCD"])
def test_another_checkpoint_is_loaded_before_the_answer(interface, name):
    interface.post(OPTIONS, {"sd_model_checkpoint": name})
    assert interface.worker.tasks == [LoadRequest(model="large.safetensors [abcdefabcd]")]
    assert interface.settings.sd_model_checkpoint == "large.safetensors [abcdefabcd]"
    assert interface.get(OPTIONS)["sd_model_checkpoint"] == "large.safetensors [abcdefabcd]"


def test_an_unknown_checkpoint_is_not_found_and_the_known_are_named(interface):
    answer = interface.client.post(OPTIONS, json={"sd_model_checkpoint": "nobody", "jpeg_quality": 1})
    assert answer.status_code == 404 and "large.safetensors [abcdefabcd]" in answer.json()["detail"]
    assert interface.settings.jpeg_quality == 80


def test_a_checkpoint_is_not_chosen_before_it_is_loaded_nor_where_loading_was_given_up(interface):
    interface.worker.loaded.clear()
    answers = []

    def choose():
        answers.append(interface.client.post(OPTIONS, json={"sd_model_checkpoint": "large", "jpeg_quality": 50}))

    busy = interface.services.jobs.submit(LoadRequest(model="demo"), interface.settings)
    wait_until(lambda: busy.view().state == "running")
    asking = threading.Thread(target=choose)
    asking.start()
    wait_until(interface.services.jobs.waiting)
    assert interface.settings.sd_model_checkpoint == ""
    interface.services.jobs.stop(interface.services.jobs.waiting()[0])
    asking.join(20)
    assert answers[0].status_code == 500 and "interrupted" in answers[0].json()["errors"]
    assert interface.settings.sd_model_checkpoint == "" and interface.settings.jpeg_quality == 80
    interface.worker.loaded.set()
    assert list(busy.events())


def test_changes_at_the_same_time_are_all_kept(interface):
    names = [f"x{number}" for number in range(20)]
    threads = [threading.Thread(target=interface.post, args=(OPTIONS, {name: name})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = json.loads((interface.folder / "config.json").read_text())
    assert [kept[name] for name in names] == names


def test_a_folder_that_cannot_be_written_to_is_said(interface, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sdui.core.settings.write_atomic", full)
    answer = interface.client.post(OPTIONS, json={"jpeg_quality": 50})
    assert answer.status_code == 500 and "No space left on device" in answer.json()["errors"]
    assert interface.settings.jpeg_quality == 80


def test_half_an_emoji_in_a_setting_is_replaced(interface):
    body = json.dumps({"samples_filename_pattern": "a\ud800"})
    answer = interface.client.post(OPTIONS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200 and interface.settings.samples_filename_pattern == "a?"
