"""LDSR by its file: drawn as CompVis' code draws, in windows, with faults named."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from sdui.builtin.ldsr.engine import upscalers
from sdui.core.errors import Interrupted, ModelFileError
from sdui.core.events import Stop, StopToken
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context
from sdui.models.files import ModelFiles
from sdui.models.ldm import Facts
from sdui.models.store import ModelStore
from sdui.models.upscaling.ldsr import Ldsr, load
from tests.support.latent_diffusion import Reference, drawn, tiny_weights

FACTS = Facts(heads=0, head_channels=32, beta_start=0.0015, beta_end=0.0155, latent_scale=1)


def store(folder):
    files = ModelFiles({"checkpoint": [], "ldsr": [folder]}, folder.parent / "cache")
    return ModelStore(files, device="cpu", precision="fp32")


def offered(folder):
    return list(upscalers(store(folder)))


def context(steps=2, events=None, stop=None):
    return Context(Preferences(ldsr_steps=steps), (events if events is not None else []).append, stop or StopToken())


@pytest.fixture(scope="module")
def weights():
    return tiny_weights()


@pytest.fixture(scope="module")
def folder(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "LDSR"
    folder.mkdir()
    torch.save({"state_dict": weights, "global_step": 1}, folder / "model.ckpt")
    return folder


def picture(width, height):
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8))


def test_the_networks_compute_what_compvis_compute(folder, weights):
    ours, reference = load(folder / "model.ckpt", None, torch.device("cpu")), Reference(weights)
    random = torch.Generator().manual_seed(2)
    seen, latents = (torch.randn(1, channels, 16, 24, generator=random) for channels in (6, 3))
    torch.testing.assert_close(ours.unet(seen, 601).sample, reference.unet(seen, 601), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.decoder.decode(latents).sample, reference.decoded(latents), atol=1e-4, rtol=1e-4)
    for network, part in ((ours.unet, "model.diffusion_model."), (ours.decoder, "first_stage_model.")):
        used = sum(one.numel() for one in network.state_dict().values())
        assert used == sum(one.numel() for name, one in weights.items() if name.startswith(part) and "enc" not in name)


class Unet:
    config = SimpleNamespace(out_channels=3)

    def __call__(self, part, timestep):
        return SimpleNamespace(sample=self.told(part, timestep))

    def told(self, part, timestep):
        return part[:, :3] * 0.8 - part[:, 3:] * 0.4 + float(timestep) / 5000


class Decoder:
    config = SimpleNamespace(block_out_channels=(1, 1, 1))

    def decode(self, part):
        return SimpleNamespace(sample=functional.interpolate(part.tanh(), scale_factor=4))


def test_windows_and_steps_are_those_of_a1111(folder):
    """With networks that look at one pixel at a time windows change nothing."""
    models = store(folder)
    (ldsr,) = upscalers(models)
    with models.side.lease(folder / "model.ckpt", lambda: Ldsr(Unet(), Decoder(), FACTS)):
        pass
    image = picture(280, 60)
    made = ldsr.upscale(image, 2, context(4))
    small = torch.from_numpy(np.array(image.resize((140, 30), Image.Resampling.LANCZOS))).permute(2, 0, 1)[None]
    padded = functional.pad(small / 127.5 - 1, (0, 52, 0, 98), mode="replicate")
    wanted = Decoder().decode(drawn(Unet().told, padded, 4)).sample[0, :, :120, :560]
    off = np.abs(np.asarray(made, float) - (wanted.permute(1, 2, 0).numpy() + 1) * 127.5)
    assert made.size == (560, 120) and wanted.std() > 0.2 and off.max() <= 0.6


def test_a_large_picture_is_seen_in_windows_and_can_be_stopped_at_each(folder):
    events, stop = [], StopToken()

    class Stops(list):
        def append(self, event):
            events.append(event)
            if len(events) == 2:
                stop.request(Stop.SKIP)

    with pytest.raises(Interrupted):
        offered(folder)[0].upscale(picture(129, 200), 4, context(7, Stops(), stop))
    # 192 x 256 with the padding: 2 x 3 windows of 128, each seen in seven steps and when it is decoded.
    assert [(event.step, event.steps) for event in events] == [(0, 48), (1, 48)]


def test_it_is_offered_where_its_folder_is_and_says_what_is_missing(tmp_path):
    assert offered(tmp_path / "LDSR") == []
    (tmp_path / "LDSR").mkdir()
    (tmp_path / "LDSR/project.yaml").touch()
    (ldsr,) = offered(tmp_path / "LDSR")
    with pytest.raises(ModelFileError, match=r"put model\.ckpt or model\.safetensors into .*LDSR"):
        ldsr.upscale(picture(8, 8), 4, context())


def test_a_file_of_another_kind_is_named(folder, weights, tmp_path):
    broken = tmp_path / "LDSR"
    broken.mkdir()
    (ldsr,) = offered(broken)
    lacking = {name: one for name, one in weights.items() if name != "model.diffusion_model.middle_block.1.qkv.bias"}
    cases = {
        r"model\.ckpt is no model of LDSR .*it lacks model\.diffusion_model\.input_blocks": {"x": torch.zeros(1)},
        r"model\.ckpt is no model of LDSR .*middle_block\.1\.to_q\.bias": lacking,
    }
    for message, state in cases.items():
        torch.save(state, broken / "model.ckpt")
        with pytest.raises(ModelFileError, match=message):
            ldsr.upscale(picture(8, 8), 4, context())
    torch.save(weights, broken / "model.ckpt")
    (broken / "project.yaml").write_text("no: config")
    with pytest.raises(ModelFileError, match=r"project\.yaml is no config"):
        ldsr.upscale(picture(8, 8), 4, context())
