"""What txt2img and img2img share: the controls of every generation, and the way from Generate to a job."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple

import gradio as gr

from sdui.core import infotext, override_settings, standing
from sdui.core.catalog import Catalog
from sdui.core.errors import RequestError
from sdui.core.groups import Kind
from sdui.core.request import BatchRequest, GenerationRequest, LoadRequest, Task
from sdui.jobs.job import Job
from sdui.services import Services

from . import checkpoints, drafts, markup, networks, prompt_boxes, results, sizes, styles
from .checkpoints import QuickSettings, tool
from .components import OpenDropdown
from .following import Parts, busy
from .form import Form, Updates
from .results import QUIET, client_of
from .sizes import SIDES

log = logging.getLogger(__name__)

_FORGOTTEN = "The server was started again and does not know this page's last job any more."
_BATCH = ("batch_count", "batch_size")
_OVERRIDES = "overrides"
_HIDE_WHEN_EMPTY = "entries => ({__type__: 'update', visible: entries.length > 0})"

Tools = dict[str, gr.Button]


class Top(NamedTuple):
    """The row with the prompts."""

    buttons: dict[str, gr.Button]
    """Those of `results.generate_box`."""
    tools: Tools
    actions: gr.Column
    row: gr.Row
    """Of tools, where further ones go."""
    dropped: gr.File
    """What was dropped on a prompt."""


def top(services: Services, form: Form[GenerationRequest], tab: Kind) -> Top:
    with gr.Row(elem_id=f"{tab}_toprow", elem_classes=["toprow"]):
        with gr.Column(elem_id=f"{tab}_prompt_container", elem_classes=["prompts"], scale=6, min_width=300):
            dropped = prompt_boxes.build(form, tab)
        with gr.Column(elem_id=f"{tab}_actions_column", scale=1, min_width=220) as actions:
            buttons, box = results.generate_box(tab)
            with box, gr.Column(elem_classes=["beside-generate"], scale=0, min_width=32):
                tool("More ways to generate", f"{tab}_generate_menu")
                enqueue = tool("Enqueue: generate after the jobs that wait (Ctrl+Shift+Enter)", f"{tab}_enqueue")
            gr.Button(
                "Generating forever: click to cancel", elem_id=f"{tab}_forever", elem_classes=["forever"], size="sm"
            )
            with gr.Row(elem_id=f"{tab}_tools", elem_classes=["tools"]) as row:
                paste = tool("Read parameters from the prompt, or from the last generation if it is empty", "paste")
                tool("Clear the prompts; Ctrl+Z brings them back", f"{tab}_clear_prompt")
                apply = tool("Put the chosen styles into the prompts", f"{tab}_style_apply")
            styles.StyleBox(services, form, tab, apply)
    return Top(buttons, {"paste": paste, "enqueue": enqueue}, actions, row, dropped)


@contextmanager
def controls(tab: Kind) -> Generator[None]:
    """The left column: what is made inside is for drawing; the lists of networks stand beside it."""
    with (
        gr.Column(elem_id=f"{tab}_settings", elem_classes=["settings-column"], scale=4, min_width=320),
        gr.Tabs(elem_id=f"{tab}_extra_tabs", overflow_behavior="wrap"),
    ):
        with gr.Tab("Generation", elem_id=f"{tab}_generation"):
            yield
        networks.build(tab)


def sampling(form: Form[GenerationRequest], tab: Kind) -> None:
    with gr.Row(elem_id=f"sampler_selection_{tab}"):
        form.add("sampler", min_width=140)
        form.add("schedule", min_width=140)
    form.add("steps")


def refiner(form: Form[GenerationRequest], tab: Kind) -> None:
    with gr.Accordion("Refiner", open=False, elem_id=f"{tab}_enable") as accordion:
        form.switch("refiner", accordion, elem_id=f"{tab}_enable-checkbox")
        with gr.Row():
            form.add("refiner.model", label="Checkpoint", elem_id=f"{tab}_checkpoint", min_width=140)
            form.add("refiner.switch_at", elem_id=f"{tab}_switch_at", min_width=140)


def size_and_batch(form: Form[GenerationRequest], tab: Kind, size: tuple[int, int]) -> gr.Column:
    """Where further tools for the size go."""
    with gr.Row():
        column = size_alone(form, tab, size)
        batch(form, tab)
    return column


def size_alone(form: Form[GenerationRequest], tab: Kind, size: tuple[int, int]) -> gr.Column:
    """Two columns; where further tools go."""
    with gr.Column(elem_id=f"{tab}_column_size", scale=4, min_width=200):
        for side, pixels in zip(SIDES, size, strict=True):
            form.add(side, value=pixels)
    return sizes.tools(form, tab)


def batch(form: Form[GenerationRequest], tab: Kind) -> None:
    with gr.Column(elem_id=f"{tab}_column_batch", scale=3, min_width=160):
        for field in _BATCH:
            form.add(field)


def native_size(chosen: checkpoints.Checkpoint | None) -> tuple[int, int]:
    return (chosen.width, chosen.height) if chosen else (512, 512)


def override_box(tab: Kind) -> OpenDropdown:
    """Entries of a pasted text that no control shows."""
    with gr.Row(elem_id=f"{tab}_override_settings_row", elem_classes=["override-settings-row"]):
        return OpenDropdown(
            [],
            value=[],
            multiselect=True,
            filterable=False,
            visible=False,
            label="Override settings",
            info="What the parameters that were read say beyond the controls above; remove what you do not want.",
            elem_id=f"{tab}_override_settings",
            elem_classes=["override-settings", "foreign"],
        )


class Generation:
    """A tab's handlers. Each is a public endpoint: none trusts what the page sends."""

    kind: ClassVar[Kind]

    def __init__(
        self,
        services: Services,
        quick: QuickSettings,
        form: Form[GenerationRequest],
        parts: Parts,
        overrides: gr.Dropdown,
    ) -> None:
        self.services = services
        self.quick = quick
        self.form = form
        self.parts = parts
        self.overrides = overrides
        self.place = gr.State(None)
        """Of the job that was taken out of the queue to be changed, among those that wait; else None."""

    def bind(self, tools: Tools) -> None:
        parts, field, outputs = self.parts, self.form.components, self.outputs()
        parts.keep_looking(
            *self.bind_asking(tools["enqueue"]),
            parts.timer.tick(self.tick, self.watched(), outputs, **QUIET),
        )
        drafts.bind(self.kind, self.form.components | {_OVERRIDES: self.overrides}, parts.draft)
        tools["paste"].click(self.paste, [field["prompt"]], outputs, **QUIET)
        self.overrides.change(fn=None, js=_HIDE_WHEN_EMPTY, inputs=[self.overrides], outputs=[self.overrides])

    def bind_asking(self, enqueue: gr.Button) -> list[Any]:
        """What Generate and Enqueue do; the events after which the page has a job to look at."""
        inputs = self.inputs()
        enqueue.click(self.enqueue, inputs_kwargs=waiting(inputs), outputs=self.enqueued(), **QUIET)
        return [self.parts.generate.click(self.submit, inputs_kwargs=inputs, outputs=self.outputs(), **QUIET)]

    def enqueued(self) -> list[Any]:
        """What `enqueue` may change."""
        return [self.parts.log, self.parts.draft, self.place]

    def take_files(self, dropped: gr.File) -> None:
        """The parameters of a picture or text that is dropped on a prompt fill the form."""
        read = dropped.upload(self.read_file, [dropped], self.outputs(), **QUIET)
        read.then(fn=None, js="() => null", outputs=[dropped])

    def look_after(self, attached: Any, choices: list[Any]) -> None:
        """attached: the event that shows the last job; choices: those after which a checkpoint may be loading."""
        loading = [event.then(self.tick, self.watched(), self.outputs(), **QUIET) for event in choices]
        self.parts.keep_looking(attached, *loading)

    def inputs(self) -> dict[str, Any]:
        """What `submit` is handed, by name."""
        return self.form.inputs() | {
            "job_id": self.parts.job_id,
            "overrides": self.overrides,
            "place": self.place,
        }

    def watched(self) -> list[Any]:
        """What `tick` is handed."""
        return [self.parts.job_id, self.parts.shown]

    def outputs(self) -> list[Any]:
        """Whatever the handlers may change; the checkpoint's drop-down is one of the form's components."""
        return [*self.parts.all(), self.quick.banner, self.overrides, self.place, *self.form.outputs()]

    def submit(
        self, job_id: str, overrides: Any, place: Any = None, visitor: gr.Request | None = None, **values: Any
    ) -> Updates:
        running = self._job(job_id)
        if running and busy(running):
            return self.parts.follow(running, self.services.jobs)
        job, told = self._submitted(overrides, place, visitor, values)
        return told | self.parts.follow(job, self.services.jobs) if job else told

    def enqueue(self, overrides: Any, place: Any = None, visitor: gr.Request | None = None, **values: Any) -> Updates:
        """A further job; the page goes on with the one that it follows."""
        job, told = self._submitted(overrides, place, visitor, values)
        if job is None:
            return told
        ahead = self.services.jobs.position(job)
        words = f"{ahead} {'wait' if ahead > 1 else 'waits'} before it" if ahead else "it is next"
        return told | {self.parts.log: markup.messages([f"Enqueued, {words}."])}

    def _submitted(
        self, overrides: Any, place: Any, visitor: gr.Request | None, values: dict[str, Any]
    ) -> tuple[Job | None, Updates]:
        """The job that the form asks for; None, with a message, where it asks for what cannot be."""
        try:
            request = self.read(values | {"model": self._title(values.get("model"))})
            request = override_settings.apply(request, overrides)
            task = self.task(request, values)
        except RequestError as error:
            log.warning("refused: %s", error)
            return None, {self.parts.log: markup.messages([], str(error))}
        job = self.services.jobs.add(Job(task, self.services.settings.current, client=client_of(visitor)), place)
        held = {path: values.get(path.replace(".", "__")) for path in self.form.components} | {_OVERRIDES: overrides}
        return job, {self.parts.draft: drafts.text(held), self.place: None}

    def edit(self, job: Job, place: int) -> Updates:
        """Show the request of a job that was taken out of the queue; what is asked for next takes its place."""
        request = request_of(job)
        assert request is not None
        updates, remarks = self._fill(request, keep=("model",))
        if request.model or request.model_hash:
            changed, warning = self._checkpoint_of(request)
            updates |= changed
            remarks += warning
        taken = "This job waits no more. Change it; Generate or Enqueue puts it back at its place."
        return updates | {self.place: place, self.parts.log: markup.messages([taken, *remarks])}

    def read(self, values: dict[str, Any]) -> GenerationRequest:
        """What the controls and, where there is none, the settings ask for. Raises RequestError."""
        return standing.applied(self.form.read(values), self.services.settings.current, self.form.components)

    def task(self, request: GenerationRequest, values: dict[str, Any]) -> Task:
        """What is to be done. `values`: what the controls hold. Raises RequestError."""
        return request

    def usable(self, request: GenerationRequest) -> tuple[GenerationRequest, list[str]]:
        """As much of a text's request as this tab can ask for, and sentences about the rest."""
        raise NotImplementedError

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

    def attach(self, job_id: str, draft: str) -> Updates:
        """For a page that was just opened: its own last job, else what is running now; and the form as it was."""
        job, held = self._job(job_id) or self._running(), drafts.read(draft)
        request = request_of(job)
        if job is None or request is None:
            updates = self.parts.idle(_FORGOTTEN if job_id else "")
            if loading := self._loading():
                updates |= self.parts.changes(loading, self.services.jobs, {})
            return updates | self.form.begun() | self._restore(held)
        updates = self.form.begun() | self._fill(request, keep=("model",))[0]
        updates |= self.parts.follow(job, self.services.jobs)
        catalog = self.services.jobs.catalog()
        used = catalog.find(request.model) if busy(job) else None
        return updates | (self._checkpoint(catalog, used) if used else {}) | self._restore(held)

    def paste(self, prompt: str) -> Updates:
        text = (prompt or "").strip() or self._last_infotext()
        if not text:
            return {self.parts.log: markup.messages(["Nothing was generated yet; paste parameters into the prompt."])}
        return self.show_infotext(text)

    def read_file(self, path: Any) -> Updates:
        try:
            return self.show_infotext(prompt_boxes.infotext_of(path))
        except RequestError as error:
            return {self.parts.log: markup.messages([], str(error))}

    def show_infotext(self, text: str) -> Updates:
        """Fill the form from an infotext, its checkpoint included; what is not here is said in words."""
        parsed = infotext.parse_loosely(text, self.services.requests)
        if not parsed.pairs:
            prompts = {"prompt": parsed.prompt, "negative_prompt": parsed.negative_prompt}
            updates: Updates = {self.form.components[name]: gr.update(value=value) for name, value in prompts.items()}
            return updates | {self.parts.log: markup.messages(["There are no generation parameters in this text."])}
        request, remarks = self.usable(infotext.read(text, self.services.requests))
        request, about = styles.inferred(self.services, request, parsed.pairs.get("Styles", ""))
        updates, unknown = self._fill(request, keep=("model", *_BATCH))
        remarks = remarks + about + infotext.unread(text, self.services.requests) + unknown
        if request.model or request.model_hash:
            changed, warning = self._checkpoint_of(request)
            updates |= changed
            remarks += warning
        return updates | {self.parts.log: markup.messages(remarks)}

    def _checkpoint_of(self, request: GenerationRequest) -> tuple[Updates, list[str]]:
        catalog = self.services.jobs.catalog()
        found = catalog.find(request.model, request.model_hash)
        wanted = f"{request.model} [{request.model_hash}]".replace(" []", "").strip()
        if found is None:
            return {}, [f"The checkpoint {wanted} is not here; the picture will look different with this one."]
        updates = self._checkpoint(catalog, found)
        if checkpoints.differs(found, request.model_hash):
            return updates, [f"{found.title} is not the file that the picture was made with, {wanted}."]
        return updates, []

    def _checkpoint(self, catalog: Catalog, chosen: checkpoints.Checkpoint | None) -> Updates:
        return self.quick.shows(catalog, chosen)

    def _job(self, job_id: Any) -> Job | None:
        return self.services.jobs.get(job_id) if isinstance(job_id, str) else None

    def _loading(self) -> Job | None:
        return next((job for job in self._under_way() if isinstance(job.task, LoadRequest)), None)

    def _restore(self, held: dict[str, Any]) -> Updates:
        """The form of an earlier visit."""
        entries: Any = held.get(_OVERRIDES)
        updates = self.form.restore(held, keep=("model",))
        if (box := self.form.components["styles"]) in updates:
            updates[box], _ = styles.shown(self.services, styles.texts(held["styles"]))
        return updates | ({self.overrides: _listed(entries)} if isinstance(entries, list) else {})

    def _fill(self, request: GenerationRequest, keep: tuple[str, ...]) -> tuple[Updates, list[str]]:
        """`Form.fill`, and what no control shows. The checkpoint's drop-down stands for its hash as well."""
        updates, unknown = self.form.fill(request, keep)
        if "styles" in request.model_fields_set:
            updates[self.form.components["styles"]], missing = styles.shown(self.services, request.styles)
            unknown += missing
        settled = standing.values(self.services.settings.current, self.services.requests)
        beyond = override_settings.entries(request, {*self.form.components, "model_hash"}, settled)
        return updates | {self.overrides: _listed(beyond)}, unknown

    def _running(self) -> Job | None:
        """What this tab could have asked for, whoever did; not what a program takes away with its answer."""
        running = (job for job in self._under_way() if job.durable and job.view().state == "running")
        return next((job for job in running if kind_of(job) == self.kind), None)

    def _under_way(self) -> list[Job]:
        return [job for job in self.services.jobs.list() if not job.view().ended]

    def _last_infotext(self) -> str:
        pictures = (image for job in reversed(self.services.jobs.list()) for image in job.view().images)
        return next((image.infotext for image in pictures), "")

    def _title(self, chosen: Any) -> Any:
        """The title may have got its hash since the page was opened."""
        found = self.services.jobs.catalog().find(chosen) if isinstance(chosen, str) else None
        return found.title if found else chosen or ""


def _listed(entries: Any) -> Any:
    return gr.update(choices=entries, value=entries, visible=bool(entries))


def kind_of(job: Job) -> Kind | None:
    """The tab that a job belongs to; None for those that draw nothing."""
    request = request_of(job)
    return request and ("img2img" if request.init else "txt2img")


def request_of(job: Job | None) -> GenerationRequest | None:
    """What a job draws; of a batch, each time."""
    match job and job.task:
        case GenerationRequest() as request:
            return request
        case BatchRequest(request=request):
            return request
        case _:
            return None


def waiting(inputs: dict[str, Any]) -> dict[str, Any]:
    """Of what `submit` is handed, what `enqueue` is."""
    return {name: component for name, component in inputs.items() if name != "job_id"}
