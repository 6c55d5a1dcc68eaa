"""One run of a sampler: txt2img and img2img have one, hires fix adds a second."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from torch import Tensor

from sdui.core.request import GenerationRequest
from sdui.core.stages import Hires
from sdui.imaging.hires_size import HiresSize
from sdui.models.families.base import LoadedModel
from sdui.models.residents import Lease
from sdui.prompt.extra_networks import parse_extra_networks
from sdui.sampling.guidance import coefficients
from sdui.sampling.levels import NoiseLevels, noise_levels, unit_scale
from sdui.sampling.noise import ImageNoise, Variation
from sdui.sampling.registry import Registry
from sdui.sampling.spec import SamplerSpec

from .conditioning import Conditioner, Prompts, Reading, Timeline
from .guided import Guide, GuidedDenoiser, Plans
from .inpainting import Kept
from .refining import Guides, refiner_of
from .run import Run
from .seen_picture import seen_by
from .start import Course, Start
from .upscaling import Upscalers


@dataclass(frozen=True, slots=True)
class Tools:
    """What every batch is drawn with."""

    samplers: Registry
    conditioner: Conditioner
    upscalers: Upscalers


@dataclass(frozen=True, slots=True)
class Asked:
    """What the networks of a pass are told, beside the latents."""

    tools: Tools
    patches: ExitStack
    """Undoes what is done to the networks for this pass."""
    prompts: Prompts
    images: Tensor | None
    """[1 or B,3,H,W] in 0..1: the picture that the pass starts from."""
    mask: Tensor | None
    """[1,1,H,W]."""


@dataclass(frozen=True, slots=True)
class Pass:
    spec: SamplerSpec
    schedule: str
    lease: Lease
    prompt: str
    negative_prompt: str
    timeline: Timeline
    size: tuple[int, int]
    """Rows and columns of the latents."""
    pixels: tuple[int, int]
    """Width and height that the network is told to draw, of which hires fix may then keep less."""
    second: bool = False

    @property
    def model(self) -> LoadedModel:
        return self.lease.model

    def begin(self, run: Run, patches: ExitStack) -> None:
        run.leases.activate(self.lease)
        run.model = self.model
        run.pace.current = int(self.second)
        self.patch(run, patches, self.lease)

    def patch(self, run: Run, patches: ExitStack, lease: Lease) -> None:
        """The prompt's networks, tiling and token merging, until `patches` closes."""
        run.networks.activate(self.prompt, lease, patches)
        request, model = run.request, lease.model
        ratio = request.token_merging_ratio
        if self.second and request.hires:
            ratio = request.hires.token_merging_ratio or ratio
        patches.enter_context(model.patched(tiling=request.tiling, token_merging_ratio=ratio))
        for changed in run.host.contexts("patch_model", run=run, model=model):
            patches.enter_context(changed)

    def levels(self, request: GenerationRequest, model: LoadedModel) -> NoiseLevels:
        levels = noise_levels(model.alphas_cumprod, request.sampling, zero_snr=model.zero_snr, sdxl=model.sdxl)
        return self.spec.levels(levels)

    def course(self, request: GenerationRequest) -> Course:
        return Course(self.spec, self.schedule, self.levels(request, self.model), request.sampling)

    def noise(self, run: Run) -> ImageNoise:
        """Each pass begins the pictures' sequences anew."""
        request, latent = run.request, self.model.latent
        resize_from = (request.seed_resize_from_h // latent.downscale, request.seed_resize_from_w // latent.downscale)
        variation = Variation(
            source=request.randn_source,
            subseeds=tuple(run.batch.subseeds),
            strength=request.subseed_strength,
            resize_from=resize_from,
            ensd=request.eta_noise_seed_delta,
        )
        return ImageNoise(run.batch.seeds, (latent.channels, *self.size), self.model.device, variation)

    def read(self, run: Run, tools: Tools, lease: Lease) -> Prompts:
        request, (text, _) = run.request, parse_extra_networks(self.prompt)
        reading = Reading(request.clip_skip, request.text, self.timeline, self.pixels)
        return tools.conditioner.prompts(lease, text, self.negative_prompt, reading, run.networks.embeddings)

    def guide(self, run: Run, model: LoadedModel, prompts: Prompts, asked: Asked) -> Guide:
        request, ask = run.request, run.host.passed_on("around_model", "ask", model.denoise, run=run)
        image_scale = request.image_cfg_scale if request.init and model.kind == "edit" else 1.0
        scale = request.cfg_scale * self.spec.cfg_multiplier
        counts = coefficients([weight for weight, _ in prompts.parts], scale, image_scale)
        seen = seen_by(model, asked.images, asked.mask, request.inpainting_mask_weight, self.size)
        return Guide(model, self.levels(request, model), prompts, counts, seen, self.spec.reads_noise, ask)


def first_of(run: Run, tools: Tools) -> Pass:
    request, side = run.request, run.lease.model.latent.downscale
    spec, schedule = tools.samplers.resolve(request.sampler, request.schedule)
    return Pass(
        spec,
        schedule,
        run.lease,
        request.prompt,
        request.negative_prompt,
        Timeline(_calls(request, spec, request.steps)),
        (request.height // side, request.width // side),
        (request.width, request.height),
    )


def second_of(run: Run, tools: Tools, hires: Hires, size: HiresSize) -> Pass:
    request, first = run.request, first_of(run, tools)
    spec, schedule = tools.samplers.resolve(hires.sampler or request.sampler, hires.schedule or request.schedule)
    rows, columns = size.rows(), size.columns()
    return Pass(
        spec,
        schedule,
        run.leases(hires.model) if hires.model else run.lease,
        hires.prompt or request.prompt,
        hires.negative_prompt or request.negative_prompt,
        Timeline(first.timeline.calls, _calls(request, spec, hires.steps or request.steps)),
        (rows.stop - rows.start, columns.stop - columns.start),
        (size.width, size.height),
        second=True,
    )


def run_sampler(run: Run, plan: Pass, start: Start, noise: ImageNoise, asked: Asked) -> Tensor:
    """From the start to latents [B,C,h,w]. Raises Interrupted when asked to stop."""
    request, spec = run.request, plan.spec
    run.steps = len(start.sigmas) - 1
    guides = _guides(run, plan, asked, start.steps)
    denoiser = GuidedDenoiser(guides.plans, guides.without_negative)
    kept = _kept(run) if not plan.second else None
    held = denoiser
    if kept:
        held = kept.before(denoiser, guides.levels) if spec.variance_preserving else kept.after(denoiser)
    between = noise.fresh
    if spec.noise == "brownian":
        bounds = [sigma for sigma in start.all_sigmas if sigma > 0]
        alike = not request.sampling.no_dpmpp_sde_batch_determinism
        between = noise.brownian(min(bounds), max(bounds), per_image=alike)
    options = spec.keywords(request.sampling, guides.levels, denoiser.negative)
    x = spec.run(held, start.x, start.sigmas, noise=between, on_step=run.on_step, **options)
    if spec.variance_preserving:
        x = x / unit_scale(start.sigmas[-1])
    return kept.at_the_end(x) if kept else x


def _guides(run: Run, plan: Pass, asked: Asked, steps: int) -> Guides:
    request, spec, refiner = run.request, plan.spec, refiner_of(run.request, plan.second)
    batch = len(run.batch.seeds)

    def plans(model: LoadedModel, prompts: Prompts) -> Plans:
        return Plans(plan.guide(run, model, prompts, asked), request.text, batch, "uncond" in spec.needs)

    def refined() -> Plans:
        assert refiner
        lease = run.leases(refiner.model)
        run.model = lease.model
        if lease.model is not plan.model:
            plan.patch(run, asked.patches, lease)
        return plans(lease.model, plan.read(run, asked.tools, lease))

    base = plans(plan.model, asked.prompts)
    return Guides(base, request, steps * spec.model_calls, spec.variance_preserving, run.check, refiner, refined)


def _kept(run: Run) -> Kept | None:
    init = run.init
    return Kept(init.latents, init.drawn, init.soft) if init and init.drawn is not None else None


def _calls(request: GenerationRequest, spec: SamplerSpec, steps: int) -> int:
    """Looks at the network that prompt editing counts with."""
    return steps * (1 if request.text.dont_fix_second_order_samplers_schedule else spec.model_calls)
