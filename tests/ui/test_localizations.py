"""The files of other languages: those that come with sdui, and those of the user."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from pathlib import Path

import pytest

from sdui.builtin import all as builtin
from sdui.core import standing
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.extensions.host import Host
from sdui.jobs.queue import JobQueue
from sdui.sampling import registry
from sdui.sampling.schedules import schedule_names
from sdui.services import Services
from sdui.ui import localization_template, localizations, page
from tests.support.fake_worker import FakeWorker

SHIPPED = sorted(localizations.SHIPPED.glob("*.json"))
SOURCES = localizations.SHIPPED.parents[1]
GRADIO = {"Drop Image Here", "Drop File Here", "- or -", "Click to Upload"}
"""What Gradio itself writes."""
PUT_TOGETHER = {
    "Waiting for the running job, next in line",
    "Interrupted, no picture was finished.",
    "Enqueued, it is next.",
    "Send to PNG Info",
    "Weighted sum, two models are needed: A and B. The result is A * (1 - M) + B * M.",
}
"""Of several texts in the source; as those with numbers are."""
PLACEHOLDERS = re.compile(r"\{.*?\}|%[sd]|#|\[[a-z_]+\]|<Format>|--[a-z_]+")


async def template(services: Services) -> set[str]:
    return set(localization_template.texts(page.build(services), services))


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> set[str]:
    """What the template has, with the extensions that come with sdui."""
    folder = tmp_path_factory.mktemp("template")
    host, jobs = Host(), JobQueue([FakeWorker()], lambda image, preferences: None)
    builtin.add_all(host, ["params"], allow_code=True)
    services = Services(
        jobs,
        SettingsFile(folder / "config.json", standing.preferences(GenerationRequest)),
        Launch(data_dir=folder),
        {"version": "0.0"},
        host.request(GenerationRequest, "always", "script"),
        host.request(ExtrasRequest, "operation"),
    )
    found = asyncio.run(template(services))
    jobs.close()
    return found


@pytest.fixture(scope="module")
def written() -> str:
    """Every text in the source of the page and of what it is made from."""
    folders = [SOURCES / name for name in ("ui", "core", "builtin")]
    trees = (ast.parse(path.read_text("utf-8")) for folder in folders for path in folder.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    texts = [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    texts += [path.read_text("utf-8") for path in (SOURCES / "ui" / "assets").glob("*.js")]
    return "\n".join(texts)


def held(path: Path) -> dict[str, str]:
    return json.loads(path.read_text("utf-8"))


def test_german_chinese_and_korean_can_be_chosen(tmp_path):
    assert localizations.names(tmp_path) == ("None", "de_DE", "ko_KR", "zh_CN")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_translated_text_is_one_of_the_page(path, known, written):
    for key in held(path).keys() - known - GRADIO:
        together = "#" in key or key in PUT_TOGETHER
        parts = re.findall(r"[A-Za-z]+", key) if together else [key]
        assert all(part in written for part in parts), f"{path.name}: the page does not say {key!r} any more"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_placeholders_are_kept(path):
    for key, text in held(path).items():
        assert text.strip(), f"{path.name}: {key!r} is translated by nothing"
        wanted, kept = sorted(PLACEHOLDERS.findall(key)), sorted(PLACEHOLDERS.findall(text))
        assert wanted == kept, f"{path.name}: {key!r} has {wanted}, its translation {kept}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_samplers_and_schedules_keep_their_names(path):
    names = {*registry.builtin().names(), *schedule_names().values()}
    assert not names & held(path).keys()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_used_most_is_translated(path):
    used = {"Generate", "Interrupt", "Skip", "Negative prompt", "Sampling steps", "Width", "Settings", "Apply settings"}
    assert used <= held(path).keys()


@pytest.mark.parametrize("content", ["{", "[1, 2]", '{"Generate": 5, "Skip": ""}'])
def test_a_broken_file_leaves_the_page_english(tmp_path, caplog, content):
    folder = tmp_path / "localizations"
    folder.mkdir()
    (folder / "odd.json").write_text(content)
    assert localizations.texts(tmp_path, "odd") == {}
    assert ("odd.json cannot be read" in caplog.text) == (content == "{")


def test_the_users_file_goes_before_the_shipped_one(tmp_path):
    folder = tmp_path / "localizations"
    folder.mkdir()
    (folder / "de_DE.json").write_text('{"Generate": "Los"}')
    assert localizations.texts(tmp_path, "de_DE") == {"Generate": "Los"}
    assert localizations.texts(tmp_path, "../../secret") == {}
    assert localizations.texts(tmp_path, "None") == {}
