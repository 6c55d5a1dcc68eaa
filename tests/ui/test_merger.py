"""The Checkpoint Merger's controls are A1111's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import gradio as gr
import pytest

from sdui.core.launch import Launch
from sdui.core.merging import MergeRequest
from sdui.core.settings import SettingsFile
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from sdui.ui import checkpoints, merger
from tests.support.fake_worker import CATALOG, FakeWorker

CONTROLS = {
    "modelmerger_primary_model_name": ("Primary model (A)", None),
    "modelmerger_secondary_model_name": ("Secondary model (B)", None),
    "modelmerger_tertiary_model_name": ("Tertiary model (C)", None),
    "modelmerger_custom_name": ("Custom Name (Optional)", ""),
    "modelmerger_interp_amount": ("Multiplier (M) - set to 0 to get model A", 0.3),
    "modelmerger_interp_method": ("Interpolation Method", "Weighted sum"),
    "modelmerger_checkpoint_format": ("Checkpoint format", "safetensors"),
    "modelmerger_save_as_half": ("Save as float16", False),
    "modelmerger_config_method": ("Copy config from", "A, B or C"),
    "modelmerger_bake_in_vae": ("Bake in VAE", ""),
    "modelmerger_discard_weights": ("Discard weights with matching name", ""),
    "modelmerger_save_metadata": ("Save metadata", True),
    "modelmerger_add_recipe": ("Add merge recipe metadata", True),
    "modelmerger_copy_metadata": ("Copy metadata from merged models", True),
    "modelmerger_metadata_json": ("Metadata in JSON format", "{}"),
}


async def build(services: Services):
    """Inside a loop, because outside of one Gradio makes its own and never closes it."""
    with gr.Blocks() as page:
        return page, merger.build(services, CATALOG, checkpoints.build(services, CATALOG))


@pytest.fixture
def made(tmp_path: Path):
    jobs = JobQueue([FakeWorker()], lambda image, preferences: None)
    services = Services(jobs, SettingsFile(tmp_path / "config.json"), Launch(data_dir=tmp_path))
    yield *asyncio.run(build(services)), services
    jobs.close()


def test_labels_ids_and_defaults(made):
    page, _, _ = made
    blocks = {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}
    assert {name: (blocks[name].label, blocks[name].value) for name in CONTROLS} == CONTROLS
    slider = blocks["modelmerger_interp_amount"]
    assert (slider.minimum, slider.maximum, slider.step) == (0, 1, 0.05)
    for name in ("interp_method", "checkpoint_format", "config_method"):
        assert isinstance(blocks[f"modelmerger_{name}"], gr.Radio)
    assert blocks["modelmerger_bake_in_vae"].choices == [("None", "")], "Automatic and None are no files"


def test_what_the_page_shows_at_first_is_the_default_request(made):
    _, tab, services = made
    shown = {name: component.value for name, component in tab.form.inputs().items()}
    tab.start("", **shown)
    assert services.jobs.list()[0].task == MergeRequest()


@pytest.mark.parametrize("sent", ["mean", None, 3])
def test_an_unknown_method_is_no_error(made, sent):
    _, tab, _ = made
    assert tab.describe(sent) == {tab._description: ""}


def test_metadata_of_an_unknown_checkpoint_is_refused_in_words(made):
    _, tab, _ = made
    assert "there is no &#x27;nothing&#x27;" in tab.read_metadata("nothing", None, 3)[tab._result]
