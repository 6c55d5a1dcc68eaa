"""A VAE gives the same picture in little memory, and a picture at all where half precision has none."""

import pytest
import torch

from sdui.core.errors import RequestError
from sdui.models import strips, vae
from sdui.models.networks import build_vae
from sdui.models.tiling import circular_padding
from sdui.models.vae import Fallback, Vae
from sdui.models.weights import Weights
from tests.support.checkpoints import BUNDLED
from tests.support.variants import random_weights, save

CPU = torch.device("cpu")
DEMO = BUNDLED / "sdui-demo.safetensors"
STEP = 1 / 255


@pytest.fixture(scope="module")
def demo():
    return loaded(DEMO, torch.float32)


@pytest.fixture
def narrow(monkeypatch):
    """Many strips even of small pictures, the last of them smaller."""
    monkeypatch.setattr(strips, "_PIXELS", 700)


@pytest.fixture
def no_memory(monkeypatch, narrow):
    monkeypatch.setattr(vae, "free_on", lambda device: 0)


def latents(height=12, width=20):
    """Smooth with detail, as a picture's are."""
    generator = torch.Generator().manual_seed(3)
    coarse = torch.randn(1, 4, height // 4, width // 4, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return smooth + 0.2 * torch.randn(1, 4, height, width, generator=generator)


@torch.inference_mode()
@pytest.mark.parametrize("tiling", [False, True])
def test_strips_give_the_whole_picture_without_seams(demo, no_memory, monkeypatch, tiling):
    network = demo.network
    with circular_padding(*([network] if tiling else [])):
        in_strips = demo.decode(latents())
        assert demo.ways[0].strips
        encoded = demo.encode(in_strips)
        monkeypatch.setattr(vae, "free_on", lambda device: 2**40)
        whole = demo.decode(latents())
        assert not demo.ways[0].strips
        assert (in_strips - whole).abs().max() < 0.01 * STEP
        assert torch.allclose(encoded, demo.encode(in_strips), atol=1e-4)
    assert whole.std() > 0.1


@torch.inference_mode()
def test_what_the_gpu_refuses_as_a_whole_is_done_in_strips(demo, narrow, monkeypatch):
    whole = demo.decode(latents())

    def refuse(*args):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(demo.network, "decode", refuse)
    assert (demo.decode(latents()) - whole).abs().max() < 0.01 * STEP


@torch.inference_mode()
def test_strips_take_less_than_half_of_the_memory(demo, monkeypatch):
    """What is allocated at one time, counted by the allocator."""
    monkeypatch.setattr(strips, "_PIXELS", 2**11)

    def peak(compute):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            compute()
        events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
        total = highest = 0
        for event in sorted(events, key=lambda event: event.start_ns()):
            total += event.nbytes()
            highest = max(highest, total)
        return highest

    z = latents(20, 20)
    in_strips = peak(lambda: strips.decode(demo.network, z))
    assert in_strips < 0.5 * peak(lambda: demo.network.decode(z))
    assert in_strips < 1.1 * demo.decode_bytes(160, 160)


@pytest.fixture(scope="module")
def loud(tmp_path_factory):
    """A file of weights that float16 can hold and of sums that it cannot."""
    folder = tmp_path_factory.mktemp("loud")
    weights = random_weights(folder)
    for coder in ("decoder", "encoder"):
        weight = weights[f"first_stage_model.{coder}.conv_in.weight"]
        weight *= 6e4 / weight.abs().max()
    return save(weights, folder / "x.safetensors")


def loaded(path, dtype):
    return Vae(build_vae(Weights(path), CPU, dtype), 0.18215)


@torch.inference_mode()
@pytest.mark.parametrize(("bfloat16", "expected"), [(False, torch.float32), (True, torch.bfloat16)])
def test_nan_in_half_precision_is_computed_again_and_told(loud, bfloat16, expected):
    half, told = loaded(loud, torch.float16), []
    half.fallback = Fallback(bfloat16, told.append)
    before = {key: tensor.clone() for key, tensor in half.network.state_dict().items()}
    z = latents(4, 4)
    made = half.decode(z)
    assert (half.ways[0].dtype, half.ways[0].redone) == (expected, True)
    assert len(told) == 1 and "NaN in fp16" in told[0]
    full = Vae(loaded(loud, torch.float16).network.float(), 0.18215)
    assert (made - full.decode(z)).abs().max() < (0.1 if bfloat16 else 1e-6)
    if not bfloat16:
        assert torch.allclose(half.encode(made), full.encode(made))
    assert all(torch.equal(tensor, before[key]) for key, tensor in half.network.state_dict().items())


@torch.inference_mode()
def test_a_picture_that_half_precision_can_hold_is_left_in_it(demo):
    half = loaded(DEMO, torch.float16)
    made = half.decode(latents(4, 4))
    assert half.ways[0] == vae.Way(torch.float16)
    assert (made - demo.decode(latents(4, 4))).abs().max() < 3 * STEP


@torch.inference_mode()
def test_nan_that_stays_is_an_error_that_says_whose(demo):
    with pytest.raises(RequestError, match="the checkpoint gave NaN"):
        demo.decode(torch.full((1, 4, 8, 8), torch.nan))
    broken = Vae(build_vae(Weights(DEMO), CPU, torch.float32), 0.18215, "mine.safetensors")
    broken.network.decoder.conv_in.bias.data[:] = torch.nan
    with pytest.raises(RequestError, match=r"the VAE mine.safetensors gave NaN"):
        broken.decode(latents(8, 8))
