"""Hashing in the background: it comes to an end, rests when it should, and stops."""

import threading
import time

import pytest

from sdui.models.files import ModelFiles
from sdui.models.hashing import BackgroundHashing


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
