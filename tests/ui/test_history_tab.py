"""Sending a picture of the history to another tab: the handlers, without a browser."""

from __future__ import annotations

import asyncio
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdui.history.history import History
from sdui.ui.history_tab import HistoryTab
from sdui.ui.sending import Receiver

TEXT = "a red apple\nSteps: 20, Sampler: Euler a, Seed: 41, Size: 8x8, Model: demo"


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path, tmp_path / "cache", lambda: [tmp_path / "outputs"], Path.unlink)
    yield history
    history.close()


@pytest.fixture
def taken() -> list[tuple[bytes, str]]:
    return []


async def build(history: History, taken: list[tuple[bytes, str]]):
    """The handler of the one button; inside a loop, because outside of one Gradio makes its own and never closes it."""

    def take(data: bytes, text: str):
        taken.append((data, text))
        return {}

    with gr.Blocks() as page, gr.Tabs() as tabs, gr.Tab("History") as opened:
        HistoryTab(history, opened).bind(tabs, {"there": Receiver("there", "there", take, [])})
    (send,) = [block.fn for block in page.fns.values() if block.fn]
    return send


@pytest.fixture
def send(history, taken):
    return asyncio.run(build(history, taken))


def test_a_picture_goes_with_its_text_and_its_tab_opens(history, send, taken, tmp_path):
    path = tmp_path / "outputs" / "1.png"
    path.parent.mkdir()
    chunks = PngInfo()
    chunks.add_text("parameters", TEXT)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    history.scan()
    (row,) = history.page("", 0, 1).rows
    updates = send(f"{row.id:016x}")
    assert taken == [(path.read_bytes(), TEXT)]
    assert any(getattr(value, "selected", None) == "there" for value in updates.values())


@pytest.mark.parametrize("id", [None, "", "x", "1", "-1", "f" * 16, "f" * 100, {}, ["1"]])
def test_whatever_a_page_sends_is_answered_with_words(send, taken, id):
    ((said, words),) = send(id).items()
    assert isinstance(said, gr.HTML) and 'class="error"' in words and taken == []
