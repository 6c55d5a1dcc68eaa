"""Hires fix, the refiner, variations and batches, as their pictures and events show them."""

import shutil

import numpy as np
import pytest

from sdui.core.errors import Interrupted, ModelNotFound, RequestError
from sdui.core.events import ImageReady, Progress, Stop, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import Hires, Refiner
from tests.support.checkpoints import FIXTURES, write_tiny_checkpoint
from tests.support.running import draw, make_engine
from tests.support.variants import random_weights, save

ASKED = GenerationRequest(
    prompt="a red circle", seed=5, steps=3, width=64, height=64, sampler="Euler a", model="tiny-sd15"
)
HIRES = Hires(scale=1.5, steps=2)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    work = tmp_path_factory.mktemp("engine")
    checkpoint = write_tiny_checkpoint(work / "checkpoints")
    other = checkpoint.with_stem("other")
    other.write_bytes(checkpoint.read_bytes())
    other.with_suffix(".yaml").write_text(checkpoint.with_suffix(".yaml").read_text())
    (work / "styles.csv").write_text("name,prompt,negative_prompt\nblue,blue {prompt},red square\n")
    (work / "ESRGAN").mkdir()
    shutil.copy(FIXTURES / "upscalers/realesr-animevideov3-x4.pth", work / "ESRGAN" / "small.pth")
    return make_engine([work / "checkpoints"], work, upscaler=work / "ESRGAN")


def change(**values):
    return ASKED.model_copy(update=values)


def pixels(engine, request, **preferences):
    return draw(engine, request, **preferences)[0].pixels


def stages(engine, request):
    events = []
    engine.run(request, Preferences(live_previews_enable=False), events.append, StopToken())
    return [event for event in events if isinstance(event, Progress)]


@pytest.mark.parametrize(
    "upscaler", ["Latent", "Latent (bicubic antialiased)", "Latent (nearest-exact)", "Lanczos", "None", "small"]
)
def test_hires_fix_makes_the_larger_size_with_every_kind_of_upscaler(engine, upscaler):
    assert pixels(engine, change(hires=HIRES.model_copy(update={"upscaler": upscaler}))).shape == (96, 96, 3)


def test_hires_to_a_size_of_another_shape_is_cropped(engine):
    assert pixels(engine, change(hires=Hires(resize_x=96, resize_y=128, steps=1))).shape == (128, 96, 3)


def test_hires_at_strength_0_only_enlarges(engine):
    still = change(hires=Hires(denoising_strength=0, upscaler="Lanczos"))
    assert len([event for event in stages(engine, still) if event.stage == "Sampling"]) == 3
    assert pixels(engine, still).shape == (128, 128, 3)


def test_the_second_pass_has_prompts_sampler_and_steps_of_its_own(engine):
    plain = pixels(engine, change(hires=HIRES))
    for own in ({"prompt": "blue square"}, {"negative_prompt": "blue square"}, {"sampler": "Euler"}, {"steps": 3}):
        assert not np.array_equal(pixels(engine, change(hires=HIRES.model_copy(update=own))), plain)


def test_a_second_sampler_gets_its_name_here(engine):
    (image,) = draw(engine, change(sampler="pndm", hires=HIRES.model_copy(update={"sampler": "heun_karras"})))
    hires = image.request.hires
    assert (image.request.sampler, hires.sampler, hires.schedule) == ("PLMS", "Heun", "Karras")


def test_an_inpainting_checkpoint_sees_what_is_kept_of_an_enlarged_picture(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    save(random_weights(tmp_path, channels=9), tmp_path / "checkpoints" / "nine.safetensors")
    cropped = change(model="nine", width=128, height=128, hires=Hires(resize_x=192, resize_y=128, upscaler="Lanczos"))
    assert pixels(make_engine([tmp_path / "checkpoints"], tmp_path), cropped).shape == (128, 192, 3)


def test_the_second_pass_can_have_a_schedule_of_its_own_with_the_first_ones_sampler(engine):
    hires = HIRES.model_copy(update={"steps": 6})
    own = hires.model_copy(update={"schedule": "Exponential"})
    assert not np.array_equal(pixels(engine, change(hires=own)), pixels(engine, change(hires=hires)))
    with pytest.raises(RequestError, match="Schedule type: there is no 'cosine'"):
        pixels(engine, change(hires=HIRES.model_copy(update={"schedule": "cosine"})))


def test_progress_counts_both_passes_as_one_job(engine):
    done = [event.done for event in stages(engine, change(hires=HIRES)) if event.stage == "Sampling"]
    assert done == pytest.approx([1 / 6, 2 / 6, 3 / 6, 3 / 4, 1])


def test_an_interrupt_in_the_second_pass_leaves_a_large_picture(engine):
    events, stop = [], StopToken()

    def emit(event):
        events.append(event)
        if isinstance(event, Progress) and event.stage == "Sampling" and event.done > 0.6:
            stop.request(Stop.NOW)

    with pytest.raises(Interrupted):
        engine.run(change(hires=HIRES), Preferences(save_incomplete_images=True), emit, stop)
    (ready,) = [event for event in events if isinstance(event, ImageReady)]
    assert ready.image.kind == "interrupted" and ready.image.pixels.shape == (96, 96, 3)


def test_an_unknown_upscaler_is_answered_with_the_known_ones(engine):
    with pytest.raises(RequestError, match=r"Upscaler: .*Lanczos"):
        pixels(engine, change(hires=Hires(upscaler="Latnet")))


def test_a_checkpoint_of_its_own_draws_the_second_pass(engine):
    own = change(hires=HIRES.model_copy(update={"model": "other"}))
    assert [event.stage for event in stages(engine, own) if event.stage.startswith("Loading")] == ["Loading other"]
    assert np.array_equal(pixels(engine, own), pixels(engine, change(hires=HIRES)))
    with pytest.raises(ModelNotFound, match="nope"):
        pixels(engine, change(hires=HIRES.model_copy(update={"model": "nope"})))


@pytest.mark.parametrize(("switch_at", "loads"), [(0.5, True), (1.0, False)])
def test_the_refiner_takes_over_at_its_share_of_the_steps(engine, switch_at, loads):
    pixels(engine, ASKED)
    refined = change(refiner=Refiner(model="other", switch_at=switch_at))
    assert any(event.stage == "Loading other" for event in stages(engine, refined)) == loads
    assert np.array_equal(pixels(engine, refined), pixels(engine, ASKED))


def test_a_refiner_that_is_the_first_checkpoint_changes_nothing(engine):
    merging = change(token_merging_ratio=0.5)
    refined = merging.model_copy(update={"refiner": Refiner(model="tiny-sd15", switch_at=0.5)})
    assert np.array_equal(pixels(engine, refined), pixels(engine, merging))


def test_an_enlarged_size_that_no_memory_can_hold_is_refused_before_anything_is_drawn(engine):
    huge = change(width=1024, height=1024, hires=Hires(scale=16))
    with pytest.raises(RequestError, match=r"16384x16384 needs about .* GB"):
        pixels(engine, huge)


def test_a_variation_keeps_the_seed_and_counts_the_variation_seeds(engine):
    asked = change(subseed=9, subseed_strength=0.4, batch_size=2)
    batch = draw(engine, asked)
    assert [(image.request.seed, image.request.subseed) for image in batch] == [(5, 9), (5, 10)]
    for image in batch:
        assert np.abs(pixels(engine, image.request).astype(int) - image.pixels).max() <= 1
    assert not np.array_equal(batch[0].pixels, pixels(engine, ASKED))


def test_a_seed_at_another_size_keeps_the_middle_of_the_noise(engine):
    assert not np.array_equal(
        pixels(engine, change(seed_resize_from_w=128, seed_resize_from_h=64)), pixels(engine, ASKED)
    )


def test_a_geforces_noise_is_another_picture(engine):
    assert not np.array_equal(pixels(engine, change(randn_source="NV")), pixels(engine, ASKED))
    assert np.array_equal(pixels(engine, change(randn_source="CPU")), pixels(engine, ASKED))


def test_pictures_drawn_one_by_one_equal_the_single_ones_to_the_bit(engine):
    few = ASKED.sampling.model_copy(update={"eta_ancestral": 0.0})  # then it looks less often
    asked = change(sampler="DPM adaptive", batch_size=2, sampling=few)
    batch = draw(engine, asked, batch_independent=True)
    assert np.array_equal(batch[1].pixels, pixels(engine, batch[1].request))
    assert not np.array_equal(batch[1].pixels, draw(engine, asked)[1].pixels)


def test_tiling_closes_the_picture_at_its_edges(engine):
    """The step across the edge is no larger than those inside."""

    def seam(picture):
        inside = np.abs(np.diff(picture.astype(int), axis=1)).mean()
        return np.abs(picture[:, 0].astype(int) - picture[:, -1]).mean() / inside

    assert seam(pixels(engine, change(tiling=True))) < seam(pixels(engine, ASKED))
    assert np.array_equal(pixels(engine, ASKED), pixels(engine, ASKED))


def test_styles_put_their_words_into_both_prompts(engine):
    styled = draw(engine, change(styles=("blue",)))[0]
    assert (styled.request.prompt, styled.request.negative_prompt) == ("blue a red circle", "red square")
    assert styled.request.styles == ()


def test_guidance_can_leave_the_negative_prompt_out(engine):
    for guidance in ({"skip_early_cond": 0.5}, {"s_min_uncond": 5.0}, {"s_min_uncond": 5.0, "s_min_uncond_all": True}):
        changed = ASKED.guidance.model_copy(update=guidance)
        assert not np.array_equal(pixels(engine, change(guidance=changed)), pixels(engine, ASKED))


@pytest.mark.parametrize(
    "guidance", [{"skip_early_cond": 0.01}, {"skip_early_cond": 1}, {"s_min_uncond": 999, "s_min_uncond_all": True}]
)
def test_cfgpp_takes_the_prompt_for_the_negative_one_where_that_is_left_out(engine, guidance):
    left_out = change(sampler="DDIM CFG++", guidance=ASKED.guidance.model_copy(update=guidance))
    assert not np.array_equal(pixels(engine, left_out), pixels(engine, change(sampler="DDIM CFG++")))
    if guidance != {"skip_early_cond": 0.01}:
        # At scale 1 the positive prompt is all that there is: CFG++ is then DDIM.
        assert np.array_equal(pixels(engine, left_out), pixels(engine, change(sampler="DDIM", cfg_scale=1)))
