"""The page as a whole."""

from __future__ import annotations

import asyncio

from sdui.core.settings import Launch, SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.ui import page
from sdui.ui.services import Services
from tests.support.fake_worker import FakeWorker


async def build(services: Services):
    return page.build(services)


def said(tmp_path, problems: tuple[str, ...]) -> list[str]:
    """What the page says of extensions."""
    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    settings = SettingsFile(tmp_path / "config.json")
    made = asyncio.run(build(Services(jobs, settings, Launch(data_dir=tmp_path), problems=problems)))
    jobs.close()
    return [block.value for block in made.blocks.values() if getattr(block, "elem_id", "") == "extension_problems"]


def test_extensions_that_cannot_be_used_are_named(tmp_path):
    (text,) = said(tmp_path, ("Extension glow: params.py cannot be loaded: <none>",))
    assert "Extension glow: params.py cannot be loaded: &lt;none&gt;" in text
    assert said(tmp_path, ()) == []
