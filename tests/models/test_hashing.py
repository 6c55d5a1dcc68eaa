"""Hashing in the background: it comes to an end, rests when it should, and stops."""

import threading
import time

import pytest

from sdui.core.errors import Interrupted
from sdui.core.events import Notice, Progress, Stop, StopToken
from sdui.models.files import ModelFiles
from sdui.models.hashing import BackgroundHashing, hash_all


@pytest.fixture
def files(tmp_path):
    (tmp_path / "lora").mkdir()
    for number in range(5):
        (tmp_path / "lora" / f"{number}.safetensors").write_bytes(bytes([number]) * 2**20)
    return ModelFiles({"lora": [tmp_path / "lora"]}, tmp_path / "cache")


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_file_gets_its_hashes(files, tmp_path):
    (tmp_path / "lora" / "gone.safetensors").touch()
    assert len(files.unhashed()) == 6
    (tmp_path / "lora" / "gone.safetensors").unlink()
    hashing = BackgroundHashing(files)
    hashing.start()
    wait_until(lambda: hashing.progress is None)
    hashing.close()
    assert [bool(files.known(file).autov3) for file in files.of("lora")] == [True] * 5
    assert files.unhashed() == []


def test_it_rests_in_the_middle_of_a_file_and_goes_on(files, monkeypatch):
    blocks, reached = [], threading.Event()
    hashing = BackgroundHashing(files)
    go_on = hashing._go_on

    def noted():
        blocks.append(1)
        if len(blocks) > 8:
            reached.set()
        go_on()

    monkeypatch.setattr(hashing, "_go_on", noted)
    with hashing.resting():
        hashing.start()
        time.sleep(0.1)
        assert len(blocks) <= 1
        assert hashing.progress, "there is something to do"
    assert reached.wait(20)
    wait_until(lambda: hashing.progress is None)
    hashing.close()


def test_closing_does_not_wait_for_the_rest(files):
    hashing = BackgroundHashing(files)
    with hashing.resting():
        hashing.start()
        time.sleep(0.05)
        begun = time.monotonic()
        hashing.close()
        assert time.monotonic() - begun < 1.5
    assert hashing.progress is None
    assert files.unhashed()


def test_all_files_are_hashed_at_once_on_request(files):
    events = []
    hash_all(files, events.append, StopToken())
    assert files.unhashed() == []
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told == ["Calculated the hashes of 5 model files."]
    assert [(event.step, event.steps) for event in events if isinstance(event, Progress)] == [
        (number, 5) for number in range(1, 6)
    ]
    events.clear()
    hash_all(files, events.append, StopToken())
    assert [event.text for event in events] == ["All hashes are known already."]


def test_hashing_on_request_can_be_stopped(files):
    stop = StopToken()
    stop.request(Stop.NOW)
    with pytest.raises(Interrupted):
        hash_all(files, lambda event: None, stop)
    assert len(files.unhashed()) == 5
