"""Model files as clients see them, on the fixtures of the real engine and on the fake worker."""

import shutil
from contextlib import closing

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.api import sdapi
from sdui.core.launch import Launch
from sdui.core.request import LoadRequest, UnloadRequest
from sdui.core.settings import SettingsFile
from sdui.jobs.local import LocalWorker
from sdui.jobs.queue import JobQueue
from sdui.services import Services
from tests.support.checkpoints import FIXTURES, write_tiny_checkpoint
from tests.support.running import make_engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_tiny_checkpoint(folder)
    for kind in ("Lora", "embeddings", "hypernetworks"):
        shutil.copytree(FIXTURES / kind, folder / kind)
    return folder


@pytest.fixture(scope="module")
def client(folder):
    folders = {"lora": folder / "Lora", "embedding": folder / "embeddings", "hypernetwork": folder / "hypernetworks"}
    worker = LocalWorker(lambda: make_engine([folder / "checkpoints", folder], folder, **folders))
    app = FastAPI()
    with closing(JobQueue([worker], lambda image, preferences: None)) as jobs:
        settings = SettingsFile(folder / "config.json")
        settings.change(sd_model_checkpoint="tiny-sd15")
        sdapi.add(app, Services(jobs, settings, Launch(data_dir=folder)))
        with TestClient(app) as client:
            yield client


def test_checkpoints_tell_where_they_are(client, folder):
    (tiny,) = [one for one in client.get("/sdapi/v1/sd-models").json() if one["model_name"] == "tiny-sd15"]
    assert tiny["filename"] == str(folder / "tiny-sd15.safetensors") and tiny["config"] == str(
        folder / "tiny-sd15.yaml"
    )
    assert tiny["sha256"] is None and tiny["title"] == "tiny-sd15.safetensors"


def test_loras_have_what_training_wrote(client, folder):
    loras = {one["name"]: one for one in client.get("/sdapi/v1/loras").json()}
    assert loras.keys() >= {"lora-basic", "locon"}
    assert loras["lora-basic"]["path"] == str(folder / "Lora" / "lora-basic.safetensors")
    assert all(isinstance(one["metadata"], dict) and one["alias"] for one in loras.values())


def test_embeddings_for_other_checkpoints_are_skipped(client):
    told = client.get("/sdapi/v1/embeddings").json()
    assert "ti-safe" in told["loaded"] and told["skipped"].keys() >= {"ti-sd2size", "ti-xl"}
    assert told["loaded"]["ti-long"]["vectors"] > 1 and told["loaded"]["ti-long"]["step"] is None


def test_hypernetworks_and_memory_are_told(client):
    assert {"hyper-basic"} <= {one["name"] for one in client.get("/sdapi/v1/hypernetworks").json()}
    memory = client.get("/sdapi/v1/memory").json()
    assert 0 < memory["ram"]["used"] < memory["ram"]["total"] and memory["cuda"] == {"error": "unavailable"}


def test_new_files_are_found_after_a_refresh(client, folder):
    shutil.copy(folder / "Lora" / "lora-basic.safetensors", folder / "Lora" / "another.safetensors")
    shutil.copy(folder / "tiny-sd15.safetensors", folder / "second.safetensors")
    for kind in ("checkpoints", "vae", "embeddings", "loras"):
        assert client.post(f"/sdapi/v1/refresh-{kind}").status_code == 200
    assert "another" in {one["name"] for one in client.get("/sdapi/v1/loras").json()}
    assert "second" in {one["model_name"] for one in client.get("/sdapi/v1/sd-models").json()}


def test_samplers_know_how_a1111_describes_them(client):
    samplers = {one["name"]: one for one in client.get("/sdapi/v1/samplers").json()}
    assert (
        samplers["DPM++ 2M"]["options"] == {"scheduler": "karras"} and "k_dpmpp_2m" in samplers["DPM++ 2M"]["aliases"]
    )
    schedules = {one["name"]: one for one in client.get("/sdapi/v1/schedulers").json()}
    assert schedules["automatic"]["label"] == "Automatic" and schedules["automatic"]["default_rho"] == -1
    assert schedules["sgm_uniform"]["need_inner_model"] and not schedules["karras"]["need_inner_model"]


def test_unloading_and_loading_end_before_the_answer(interface):
    assert interface.post("/sdapi/v1/unload-checkpoint") == {}
    assert interface.post("/sdapi/v1/reload-checkpoint") == {}
    assert interface.worker.tasks == [UnloadRequest(), LoadRequest(model="demo.safetensors [0123456789]")]


def test_of_vaes_with_one_name_one_is_told(interface):
    assert [one["model_name"] for one in interface.get("/sdapi/v1/sd-vae")] == ["a.safetensors", "b.safetensors"]
    assert interface.get("/sdapi/v1/sd-modules") == interface.get("/sdapi/v1/sd-vae")


def test_long_embeddings_of_the_fake_are_skipped(interface):
    interface.worker.vectors = {"short": 2, "long": 9}
    told = interface.get("/sdapi/v1/embeddings")
    assert told["loaded"]["short"]["vectors"] == 2 and [*told["skipped"]] == ["long"]
