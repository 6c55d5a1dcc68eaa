"""The txt2img tab: prompts, sampling controls, and the way from Generate to a job."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr
from pydantic import ValidationError

from sdui.core import infotext, override_settings
from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.events import ImageSaved
from sdui.core.request import GenerationRequest, LoadRequest
from sdui.jobs.queue import Job

from . import checkpoints, markup, networks, results, scripts
from .checkpoints import QuickSettings, tool
from .components import OpenDropdown
from .following import Parts, busy
from .form import Form, Updates
from .results import QUIET
from .services import Services

log = logging.getLogger(__name__)

_FORGOTTEN = "The server was started again and does not know this page's last job any more."

_SIDES = ("width", "height")
_BATCH = ("batch_count", "batch_size")
_FROM_A_PICTURE = (
    "The picture was made from another picture, which its text does not hold and this page cannot take yet; "
    "everything else is filled in."
)
_HIDE_WHEN_EMPTY = "entries => ({__type__: 'update', visible: entries.length > 0})"


def build(services: Services, catalog: Catalog, quick: QuickSettings) -> Txt2img:
    form = Form(services.requests, catalog, "txt2img")
    form.adopt("model", quick.dropdown)
    chosen = checkpoints.current(services, catalog)
    with gr.Row(elem_id="txt2img_toprow", elem_classes=["toprow"]):
        with gr.Column(elem_id="txt2img_prompt_container", scale=6, min_width=300):
            form.add("prompt")
            form.add("negative_prompt", placeholder="Negative prompt\n(What the picture must not show)")
        with gr.Column(elem_id="txt2img_actions_column", scale=1, min_width=220):
            buttons = results.generate_box("txt2img")
            with gr.Row(elem_id="txt2img_tools", elem_classes=["tools"]):
                paste = tool("Read parameters from the prompt, or from the last generation if it is empty", "paste")
                clear = tool("Clear the prompts", "txt2img_clear_prompt")
    rows = checkpoints.examples(chosen)
    chips = gr.Dataset(
        components=["textbox"], samples=[*rows], label="Examples", elem_id="txt2img_examples", visible=bool(rows)
    )
    with gr.Row(elem_classes=["workbench"]):
        with (
            gr.Column(elem_id="txt2img_settings", elem_classes=["settings-column"], scale=4, min_width=320),
            gr.Tabs(elem_id="txt2img_extra_tabs"),
        ):
            with gr.Tab("Generation", elem_id="txt2img_generation"):
                tools = _settings(form, (chosen.width, chosen.height) if chosen else (512, 512))
                overrides = _override_settings()
                scripts.build(form, services.requests, "txt2img")
            networks.build(services, "txt2img")
        parts = results.build(services, "txt2img", buttons)
    tab = Txt2img(services, quick, form, parts, chips, overrides)
    tab.bind(tools | {"paste": paste, "clear": clear})
    return tab


def _settings(form: Form[GenerationRequest], size: tuple[int, int]) -> dict[str, gr.Button]:
    """The left column; returns its tool buttons."""
    with gr.Row(elem_id="sampler_selection_txt2img"):
        form.add("sampler", min_width=140)
        form.add("schedule", min_width=140)
    form.add("steps")
    with gr.Row():
        with gr.Column(elem_id="txt2img_column_size", scale=4, min_width=200):
            form.add("width", value=size[0])
            form.add("height", value=size[1])
        with gr.Column(elem_id="txt2img_dimensions_row", elem_classes=["tools"], scale=0, min_width=36):
            switch = tool("Switch width and height", "txt2img_res_switch_btn")
        with gr.Column(elem_id="txt2img_column_batch", scale=3, min_width=160):
            form.add("batch_count")
            form.add("batch_size")
    form.add("cfg_scale")
    with gr.Row(elem_id="txt2img_seed_row", elem_classes=["seed-row"]):
        form.add("seed", scale=3, min_width=120)
        random = tool("Take a new random seed each time", "txt2img_random_seed")
        reuse = tool("Reuse the seed of the selected picture", "txt2img_reuse_seed")
        form.add("clip_skip", scale=3, min_width=160)
    return {"switch": switch, "random": random, "reuse": reuse}


def _override_settings() -> OpenDropdown:
    """Entries of a pasted text that no control shows."""
    with gr.Row(elem_id="txt2img_override_settings_row"):
        return OpenDropdown(
            [],
            value=[],
            multiselect=True,
            filterable=False,
            visible=False,
            label="Override settings",
            info="What the parameters that were read say beyond the controls above; remove what you do not want.",
            elem_id="txt2img_override_settings",
        )


class Txt2img:
    """The tab's handlers. Each is a public endpoint: none trusts what the page sends."""

    def __init__(
        self,
        services: Services,
        quick: QuickSettings,
        form: Form[GenerationRequest],
        parts: Parts,
        chips: gr.Dataset,
        overrides: gr.Dropdown,
    ) -> None:
        self.services = services
        self.quick = quick
        self.form = form
        self.parts = parts
        self.chips = chips
        self.overrides = overrides

    def bind(self, tools: dict[str, gr.Button]) -> None:
        parts, field = self.parts, self.form.components
        outputs = self.outputs()
        named: dict[str, Any] = self.form.inputs() | {"job_id": parts.job_id, "overrides": self.overrides}
        parts.keep_looking(
            parts.generate.click(self.submit, inputs_kwargs=named, outputs=outputs, **QUIET),
            parts.timer.tick(self.tick, [parts.job_id, parts.shown], outputs, **QUIET),
            self.quick.dropdown.input(self.choose, [self.quick.dropdown, parts.job_id, parts.shown], outputs, **QUIET),
        )
        self.quick.refresh.click(self.refresh, [self.quick.dropdown], outputs, **QUIET)
        tools["paste"].click(self.paste, [field["prompt"]], outputs, **QUIET)
        both = [field["prompt"], field["negative_prompt"]]
        tools["clear"].click(fn=None, js="() => ['', '']", outputs=both)
        sides = [field[side] for side in _SIDES]
        tools["switch"].click(fn=None, js="(width, height) => [height, width]", inputs=sides, outputs=sides)
        tools["random"].click(fn=None, js="() => '-1'", outputs=[field["seed"]])
        tools["reuse"].click(self.reuse_seed, [parts.job_id, parts.selected], outputs, **QUIET)
        self.overrides.change(fn=None, js=_HIDE_WHEN_EMPTY, inputs=[self.overrides], outputs=[self.overrides])
        self.chips.click(self.take_example, [self.chips], [field["prompt"]], **QUIET)

    def outputs(self) -> list[Any]:
        """Whatever the handlers may change; the checkpoint's drop-down is one of the form's components."""
        return [*self.parts.all(), self.quick.banner, self.chips, self.overrides, *self.form.components.values()]

    def submit(self, job_id: str, overrides: Any, **values: Any) -> Updates:
        running = self._job(job_id)
        if running and busy(running):
            return self.parts.follow(running, self.services.jobs)
        try:
            request = self.form.read(values | {"model": self._title(values.get("model"))})
            request = override_settings.apply(request, overrides)
        except RequestError as error:
            log.warning("refused: %s", error)
            return {self.parts.log: markup.messages([], str(error))}
        job = self.services.jobs.submit(request, self.services.settings.current)
        asked: Updates = {self.parts.asked: request.model_dump_json(exclude_unset=True)}
        return asked | self.parts.follow(job, self.services.jobs)

    def tick(self, job_id: str, shown: dict[str, Any] | None) -> Updates:
        """The page's own job, until it was told to its end; else a checkpoint that is being loaded."""
        shown = shown if isinstance(shown, dict) else {}
        own = self._job(job_id)
        if own is None and job_id:
            return self.parts.idle(_FORGOTTEN)
        untold = own if own and own.id != shown.get("told") else None
        job = untold or self._loading() or self._job(shown.get("job"))
        if job is None:
            return self.parts.idle()
        return self.parts.changes(job, self.services.jobs, shown) or {self.parts.shown: gr.skip()}

    def attach(self, job_id: str, asked: str) -> Updates:
        """For a page that was just opened: its own last job, else what is running now, else the form as it was."""
        catalog = self.services.jobs.catalog()
        chosen = checkpoints.current(self.services, catalog)
        job = self._job(job_id) or self._running()
        if job is None or not isinstance(job.task, GenerationRequest):
            message = self.parts.idle(_FORGOTTEN if job_id else "")
            updates = self._checkpoint(catalog, chosen) | self._native_size(chosen) | self._again(asked) | message
            if loading := self._loading():
                updates |= self.parts.changes(loading, self.services.jobs, {})
            return updates
        updates = self.parts.follow(job, self.services.jobs)
        used = (busy(job) and checkpoints.find(catalog, job.task.model)) or chosen
        return self._checkpoint(catalog, used) | self._fill(job.task, keep=("model",))[0] | updates

    def choose(self, title: str, job_id: str, shown: dict[str, Any] | None) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = checkpoints.find(catalog, title or "")
        updates = self._checkpoint(catalog, chosen) | self._native_size(chosen) | {self.parts.log: ""}
        if chosen is None or chosen.problem:
            return updates
        try:
            self.services.settings.change(sd_model_checkpoint=chosen.title)
        except OSError as error:
            path = self.services.settings.path
            updates[self.parts.log] = markup.messages([f"The choice is not kept, {path} cannot be written: {error}"])
        load = self.services.jobs.submit(LoadRequest(model=chosen.title), self.services.settings.current)
        shown = shown if isinstance(shown, dict) else {}
        return updates if busy(self._job(job_id)) else updates | self.parts.changes(load, self.services.jobs, shown)

    def refresh(self, title: str) -> Updates:
        catalog = self.services.jobs.catalog()
        chosen = checkpoints.find(catalog, title or "") or checkpoints.current(self.services, catalog)
        return self._checkpoint(catalog, chosen)

    def paste(self, prompt: str) -> Updates:
        text = (prompt or "").strip() or self._last_infotext()
        if not text:
            return {self.parts.log: markup.messages(["Nothing was generated yet; paste parameters into the prompt."])}
        return self.show_infotext(text)

    def show_infotext(self, text: str) -> Updates:
        """Fill the form from an infotext, its checkpoint included; what is not here is said in words."""
        parsed = infotext.parse_loosely(text, self.services.requests)
        if not parsed.pairs:
            prompts = {"prompt": parsed.prompt, "negative_prompt": parsed.negative_prompt}
            updates: Updates = {self.form.components[name]: gr.update(value=value) for name, value in prompts.items()}
            return updates | {self.parts.log: markup.messages(["There are no generation parameters in this text."])}
        request = infotext.read(text, self.services.requests)
        updates, unknown = self._fill(request, keep=("model", *_BATCH))
        unknown = ([_FROM_A_PICTURE] if request.init else []) + infotext.unread(text, self.services.requests) + unknown
        if request.model or request.model_hash:
            changed, warning = self._checkpoint_of(request)
            updates |= changed
            unknown += warning
        return updates | {self.parts.log: markup.messages(unknown)}

    def take_example(self, row: list[str]) -> str:
        return row[0]

    def _checkpoint_of(self, request: GenerationRequest) -> tuple[Updates, list[str]]:
        catalog = self.services.jobs.catalog()
        found = checkpoints.find(catalog, request.model, request.model_hash)
        wanted = f"{request.model} [{request.model_hash}]".replace(" []", "").strip()
        if found is None:
            return {}, [f"The checkpoint {wanted} is not here; the picture will look different with this one."]
        updates = self._checkpoint(catalog, found)
        if checkpoints.differs(found, request.model_hash):
            return updates, [f"{found.title} is not the file that the picture was made with, {wanted}."]
        return updates, []

    def reuse_seed(self, job_id: str, selected: int) -> Updates:
        image = results.picture(self.services, job_id, selected)
        if not isinstance(image, ImageSaved):
            return {self.parts.log: markup.messages(["There is no picture yet whose seed could be used."])}
        return {self.form.components["seed"]: str(image.request.seed)}

    def _job(self, job_id: Any) -> Job | None:
        return self.services.jobs.get(job_id) if isinstance(job_id, str) else None

    def _loading(self) -> Job | None:
        return next((job for job in self._under_way() if isinstance(job.task, LoadRequest)), None)

    def _again(self, asked: str) -> Updates:
        """The form of an earlier visit; nothing when there was none, or another version of sdui wrote it."""
        try:
            return self._fill(self.services.requests.model_validate_json(asked), keep=("model",))[0]
        except ValidationError:
            return {}

    def _fill(self, request: GenerationRequest, keep: tuple[str, ...]) -> tuple[Updates, list[str]]:
        """`Form.fill`, and what no control shows. The checkpoint's drop-down stands for its hash as well."""
        updates, unknown = self.form.fill(request, keep)
        beyond = override_settings.entries(request, {*self.form.components, "model_hash"})
        return updates | {self.overrides: gr.update(choices=beyond, value=beyond, visible=bool(beyond))}, unknown

    def _running(self) -> Job | None:
        generations = (job for job in self._under_way() if isinstance(job.task, GenerationRequest))
        return next((job for job in generations if job.view().state == "running"), None)

    def _under_way(self) -> list[Job]:
        return [job for job in self.services.jobs.list() if not job.view().ended]

    def _last_infotext(self) -> str:
        pictures = (image for job in reversed(self.services.jobs.list()) for image in job.view().images)
        return next((image.infotext for image in pictures), "")

    def _title(self, chosen: Any) -> Any:
        """The title may have got its hash since the page was opened."""
        found = checkpoints.find(self.services.jobs.catalog(), chosen) if isinstance(chosen, str) else None
        return found.title if found else chosen or ""

    def _checkpoint(self, catalog: Catalog, chosen: checkpoints.Checkpoint | None) -> Updates:
        rows = checkpoints.examples(chosen)
        return self.quick.shows(catalog, chosen) | {self.chips: gr.Dataset(samples=[*rows], visible=bool(rows))}

    def _native_size(self, chosen: checkpoints.Checkpoint | None) -> Updates:
        if chosen is None:
            return {}
        return {self.form.components[side]: getattr(chosen, side) for side in _SIDES}
