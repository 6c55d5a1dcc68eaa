"""The client that most programs use, webuiapi from PyPI, unchanged against a running server with the real engine."""

from __future__ import annotations

import threading
import time

import pytest
import webuiapi
from PIL import Image, ImageDraw, ImageStat

from sdui.jobs.local import LocalWorker
from tests.support.api import listening, serving
from tests.support.checkpoints import SMALL, write_small_checkpoint, write_tiny_checkpoint
from tests.support.running import make_engine

SMALL_PICTURE = {"width": 64, "height": 64, "steps": 2, "seed": 5}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("webuiapi")
    write_tiny_checkpoint(folder / "checkpoints")
    write_small_checkpoint(folder / "checkpoints", SMALL[0])
    worker = LocalWorker(lambda: make_engine([folder / "checkpoints"], folder))
    with serving(folder, worker) as api, listening(api.app) as port:
        client = webuiapi.WebUIApi(port=port, sampler="Euler a", steps=2)
        client.util_set_model("tiny-sd15")
        yield client
        client.session.close()


@pytest.fixture(scope="module")
def picture(client):
    return client.txt2img(prompt="a red circle", **SMALL_PICTURE).image


def test_txt2img(client):
    result = client.txt2img(prompt="a red circle", negative_prompt="yellow, stripes", n_iter=2, **SMALL_PICTURE)
    assert [image.size for image in result.images] == [(64, 64)] * 2
    assert result.info["all_seeds"] == [5, 6] and result.parameters["steps"] == 2
    assert "a red circle" in result.image.info["parameters"]


def test_hires_fix(client):
    result = client.txt2img(
        prompt="a", enable_hr=True, hr_scale=1.5, hr_upscaler=webuiapi.HiResUpscaler.Latent, **SMALL_PICTURE
    )
    assert result.image.size == (96, 96)


def test_img2img(client, picture):
    result = client.img2img(images=[picture], prompt="a blue background", denoising_strength=0.5, **SMALL_PICTURE)
    assert result.image.size == (64, 64) and result.info["denoising_strength"] == 0.5


def test_inpainting_leaves_what_is_not_masked(client, picture):
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rectangle((32, 0, 63, 63), fill=255)
    result = client.img2img(
        images=[picture],
        mask_image=mask,
        prompt="x",
        inpainting_fill=1,
        mask_blur=0,
        inpaint_full_res=False,
        **SMALL_PICTURE,
    )
    kept, drawn = (result.image.convert("RGB").crop(box) for box in ((0, 0, 32, 64), (32, 0, 64, 64)))
    assert kept.tobytes() == picture.convert("RGB").crop((0, 0, 32, 64)).tobytes()
    assert drawn.tobytes() != picture.convert("RGB").crop((32, 0, 64, 64)).tobytes()


def test_extras(client, picture):
    result = client.extra_single_image(image=picture, upscaler_1="Lanczos", upscaling_resize=2)
    assert result.image.size == (128, 128)
    several = client.extra_batch_images(images=[picture, picture], upscaler_1="Nearest", upscaling_resize=1.5)
    assert [image.size for image in several.images] == [(96, 96)] * 2


def test_png_info(client, picture):
    assert client.png_info(picture).info == picture.info["parameters"]


def test_options_and_models(client):
    assert client.util_get_current_model().startswith("tiny-sd15.safetensors")
    assert len(client.util_get_model_names()) == 2
    other = next(name for name in client.util_get_model_names() if "sd15.saf" not in name)
    client.util_set_model(other, find_closest=False)
    assert client.get_options()["sd_model_checkpoint"].startswith(other.split(" [")[0])
    result = client.txt2img(prompt="a", sampler_name="DDIM", **SMALL_PICTURE)
    assert result.info["sd_model_name"] in other
    client.set_options({"sd_model_checkpoint": "tiny-sd15", "samples_format": "png", "CLIP_stop_at_last_layers": 1})
    assert client.util_get_current_model().startswith("tiny-sd15")


def test_lists(client):
    assert "Euler a" in client.util_get_sampler_names() and "karras" in client.util_get_scheduler_names()
    assert {"Lanczos", "Nearest"} <= {one["name"] for one in client.get_upscalers()}
    assert {"Latent"} <= {one["name"] for one in client.get_latent_upscale_modes()}
    assert {one["name"] for one in client.get_face_restorers()} == {"CodeFormer", "GFPGAN"}
    assert "x/y/z plot" in client.get_scripts()["txt2img"]
    assert client.get_embeddings()["loaded"] == {} and "ram" in client.get_memory()
    assert client.get_prompt_styles() == [] and client.get_sd_vae() == [] and client.get_hypernetworks() == []
    assert isinstance(client.get_cmd_flags(), dict)
    client.refresh_checkpoints()


def test_progress_and_interrupt(client):
    assert client.get_progress()["state"]["job_count"] == 0
    made = []
    drawing = threading.Thread(
        target=lambda: made.append(client_of(client).txt2img(prompt="a", width=256, height=256, steps=400, seed=1))
    )
    drawing.start()
    seen = 0.0
    until = time.monotonic() + 60
    while seen <= 0.011 and time.monotonic() < until:
        told = client.get_progress()
        seen = told["progress"] if told["state"]["sampling_step"] else 0.0
    assert 0 < seen < 1 and told["state"]["sampling_steps"] == 400 and told["eta_relative"] > 0
    client.interrupt()
    drawing.join(60)
    assert not drawing.is_alive()
    client.util_wait_for_ready(0.05)


def client_of(other):
    """requests' sessions are not for two threads."""
    return webuiapi.WebUIApi(baseurl=other.baseurl, sampler="Euler a", steps=2)


def test_scripts(client):
    result = client.txt2img(
        prompt="a red circle|on a blue background",
        script_name="prompt matrix",
        script_args=[False, False, "positive", "comma", 0],
        **SMALL_PICTURE,
    )
    assert result.info["index_of_first_image"] == 1 and len(result.images) == 3
    assert ImageStat.Stat(result.images[0]).extrema


def test_what_is_wrong_is_said(client):
    with pytest.raises(RuntimeError, match="422") as refused:
        client.txt2img(prompt="a", sampler_name="Nonesuch", width=64, height=64)
    assert "Nonesuch" in str(refused.value)
