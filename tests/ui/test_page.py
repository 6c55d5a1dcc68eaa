"""The page as a whole."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from sdui import app
from sdui.core.launch import Launch
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import page
from tests.support.fake_worker import FakeWorker


async def build(services: Services):
    return page.build(services)


def built(tmp_path, **services):
    """The blocks of the page, by their element's id."""
    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    settings = SettingsFile(tmp_path / "config.json")
    made = asyncio.run(build(Services(jobs, settings, Launch(data_dir=tmp_path), **services)))
    jobs.close()
    return {getattr(block, "elem_id", ""): block for block in made.blocks.values()}


def said(tmp_path, problems: tuple[str, ...]) -> list[str]:
    """What the page says of extensions."""
    block = built(tmp_path, problems=problems).get("extension_problems")
    return [block.value] if block else []


def test_extensions_that_cannot_be_used_are_named(tmp_path):
    (text,) = said(tmp_path, ("Extension glow: params.py cannot be loaded: <none>",))
    assert "Extension glow: params.py cannot be loaded: &lt;none&gt;" in text
    assert said(tmp_path, ()) == []


def test_extensions_have_tabs_and_one_that_fails_says_so_in_its_own(tmp_path):
    extensions = tmp_path / "extensions"
    shutil.copytree(Path(__file__).parents[1] / "extensions" / "glow", extensions / "glow")
    (extensions / "sad").mkdir()
    (extensions / "sad" / "extension.toml").write_text("title = 'Sad'")
    (extensions / "sad" / "page.py").write_text(SAD)
    tabs, problems = app.page_tabs(Launch(data_dir=tmp_path))
    assert ([tab.title for tab in tabs], problems) == (["Glow", "Sad"], [])
    blocks = built(tmp_path, tabs=tabs)
    assert "Dim" in blocks["glow_dim"].value
    shown = [child.value for child in blocks["tab_sad"].children]
    assert len(shown) == 1 and "RuntimeError: &lt;b&gt;no&lt;/b&gt;" in shown[0]
    assert blocks["tab_settings"], "the rest of the page is there"


SAD = """
from sdui.extensions.contracts import Tab
from sdui.extensions.hooks import hook

def build(services):
    raise RuntimeError("<b>no</b>")

@hook
def tabs():
    return [Tab("sad", "Sad", build)]
"""
