"""The panel with the pictures: live preview, gallery, its infotext, and what can be done with a picture."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from sdui.core.errors import OutputError
from sdui.core.events import ImageSaved, PictureSaved, Stop
from sdui.core.extras import ExtrasRequest
from sdui.core.groups import script_of
from sdui.core.request import GenerationRequest
from sdui.imaging import copies
from sdui.jobs.job import Job
from sdui.services import Services

from . import comparing, markup
from .checkpoints import tool
from .components import serve
from .following import PERIOD, Parts
from .form import Updates

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_LOCAL_ADDRESSES = ("127.0.0.1", "::1")


def generate_box(tab: str) -> tuple[dict[str, gr.Button], gr.Row]:
    """Generate waits until the page knows its job: an answer about an older one would take the page away from it."""
    with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]) as row:
        buttons = {
            "interrupt": gr.Button("Interrupt", elem_id=f"{tab}_interrupt", visible=False, min_width=80),
            "interrupting": gr.Button("Interrupting...", elem_id=f"{tab}_interrupting", visible=False, min_width=80),
            "skip": gr.Button("Skip", elem_id=f"{tab}_skip", visible=False, min_width=80),
            "generate": gr.Button(
                "Generate", elem_id=f"{tab}_generate", variant="primary", min_width=160, interactive=False
            ),
        }
    return buttons, row


def build(services: Services, tab: str, buttons: dict[str, gr.Button], memory: Memory | None = None) -> Parts:
    """The panel of one tab; `buttons` are those of its `generate_box`.

    memory: made outside, for a tab that is not the first: what is in a closed tab does not read what it kept.
    """
    memory = memory or remembered(tab)
    with (
        gr.Column(elem_id=f"{tab}_results", elem_classes=["results"], scale=5),
        gr.Column(elem_id=f"{tab}_results_panel"),
    ):
        log = gr.HTML(elem_id=f"html_log_{tab}", elem_classes=["messages"])
        progress = gr.HTML(elem_id=f"{tab}_progress", elem_classes=["progress-box"])
        with gr.Column(elem_id=f"{tab}_gallery_container", elem_classes=["stage"]):
            preview = gr.HTML(elem_id=f"{tab}_live_preview", elem_classes=["live-preview"])
            gallery = gr.Gallery(
                label="Output",
                show_label=False,
                elem_id=f"{tab}_gallery",
                columns=4,
                preview=True,
                object_fit="contain",
                height=512,
                interactive=False,
                buttons=["download"],
            )
        tools = _tools(tab)
        downloads = gr.File(
            label="Downloads", elem_id=f"download_files_{tab}", visible=False, file_count="multiple", interactive=False
        )
        info = gr.HTML(elem_id=f"html_info_{tab}", elem_classes=["infotext"])
    parts = Parts(
        job_id=memory.job_id,
        draft=memory.draft,
        shown=gr.JSON({}, visible=False),
        selected=gr.State(0),
        timer=gr.Timer(PERIOD, active=False),
        progress=progress,
        preview=preview,
        gallery=gallery,
        info=info,
        log=log,
        downloads=downloads,
        marked=gr.State(None),
        comparison=gr.HTML(elem_id=f"{tab}_comparison", elem_classes=["comparisons"]),
        tools=tools,
        **buttons,
    )
    Results(services, parts).bind(tab)
    return parts


def _tools(tab: str) -> dict[str, gr.Button]:
    """What the Extras tab makes has no request that could be written down, so there nothing is saved or drawn again."""
    drawn = tab != "extras"
    with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["tools"]):
        return {
            "folder": tool("Open the folder of this picture", f"{tab}_open_folder", visible=False),
            "save": tool("Save a copy of this picture", f"save_{tab}", visible=drawn),
            "zip": tool("Save all pictures as a zip file", f"save_zip_{tab}", visible=drawn),
            "img2img": tool("Send this picture to img2img", f"{tab}_send_to_img2img"),
            "inpaint": tool("Send this picture to img2img inpaint", f"{tab}_send_to_inpaint"),
            "extras": tool("Send this picture to Extras", f"{tab}_send_to_extras"),
            "upscale": tool(
                "Draw this picture again with the settings of hires. fix", f"{tab}_upscale", visible=tab == "txt2img"
            ),
            "view": tool("View this picture over the whole window", f"{tab}_view"),
            "compare": tool("Compare this picture with another one", f"{tab}_compare"),
        }


QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "show_progress_on": [],
    "api_visibility": "private",
}
"""How events of the page itself run: at once, without Gradio's own spinner, not in the list of endpoints.

Gradio's page searches its tree of components for each that could show a spinner, again at every step of every event:
with hundreds of them that is most of the work of opening the page. So none could, see `show_progress_on`.
"""


class Results:
    """What the buttons under the gallery do, and those that stop a job."""

    def __init__(self, services: Services, parts: Parts) -> None:
        self._services = services
        self._parts = parts

    def bind(self, tab: str) -> None:
        parts, tools = self._parts, self._parts.tools
        compared = [parts.marked, parts.comparison, tools["compare"], parts.log]
        chosen = [parts.selected, parts.info, *compared]
        # Otherwise Gradio drops a choice that comes while the one before is answered; "always_last" repeats the first.
        parts.gallery.select(self.select, [parts.job_id, parts.marked], chosen, trigger_mode="multiple", **QUIET)
        picked = [parts.job_id, parts.selected]
        tools["compare"].click(self.compare, [*picked, parts.marked], compared, **QUIET)
        point = gr.Button("Show the cell", visible="hidden", elem_id=f"{tab}_point")
        where = f"(job, selected) => [job, selected, document.getElementById('{tab}_gallery').dataset.pointed]"
        point.click(self.point, [*picked, gr.Textbox(visible="hidden")], [parts.info], js=where, **QUIET)
        tools["folder"].click(self.open_folder, picked, [parts.log], **QUIET)
        tools["save"].click(self.save, picked, [parts.log, parts.downloads], **QUIET)
        tools["zip"].click(self.zip, [parts.job_id], [parts.log, parts.downloads], **QUIET)
        told = [parts.progress, parts.log, parts.generate, parts.interrupt, parts.interrupting, parts.skip]
        for button in (parts.interrupt, parts.interrupting):
            button.click(self.interrupt, [parts.job_id], told, **QUIET)
        parts.skip.click(self.skip, [parts.job_id], [parts.progress], **QUIET)

    def select(self, job_id: str, marked: Any, event: gr.SelectData) -> Updates:
        selected = int(event.index)
        image = picture(self._services, job_id, selected)
        updates: Updates = {self._parts.selected: selected, self._parts.info: markup.described(image) if image else ""}
        return updates | (self.compare(job_id, selected, marked) if marked else {})

    def compare(self, job_id: str, selected: int, marked: Any) -> Updates:
        """The first picture is marked, the next one is compared with it; the same one again is marked no more."""
        parts, now = self._parts, picture(self._services, job_id, selected)
        if now is None:
            return self._say("There is no picture to compare yet.")
        if not marked:
            return self._say("Now choose the picture to compare this one with.") | {
                parts.marked: (job_id, selected),
                parts.tools["compare"]: gr.update(elem_classes=["tool", "on"]),
            }
        before = picture(self._services, *marked)
        sides = [comparing.Side(serve(one.path), one.infotext) for one in (before, now) if one]
        unmarked = gr.update(elem_classes=["tool"])
        updates: Updates = {parts.marked: None, parts.tools["compare"]: unmarked, parts.log: ""}
        if tuple(marked) == (job_id, selected) or len(sides) < 2:
            return updates
        return updates | {parts.comparison: comparing.dialog(*sides)}

    def point(self, job_id: str, selected: int, at: str) -> Updates:
        """The cell of a grid at these pixels, such as "120,64"; elsewhere the grid itself."""
        image = picture(self._services, job_id, selected)
        try:
            x, y = (float(part) for part in at.split(","))
        except ValueError:
            return {self._parts.info: gr.skip()}
        if not isinstance(image, ImageSaved):
            return {self._parts.info: gr.skip()}
        cell = next((cell for cell in image.cells if cell.holds(x, y)), None)
        return {self._parts.info: markup.summary(cell.infotext, grid=True) if cell else markup.described(image)}

    def open_folder(self, job_id: str, selected: int, request: gr.Request) -> Updates:
        image = picture(self._services, job_id, selected)
        folder = Path(image.path).parent if image else self._services.launch.folder("outputs")
        opener = {"darwin": "open", "win32": "explorer"}.get(sys.platform, "xdg-open")
        if not is_local(request) or shutil.which(opener) is None:
            return self._say(f"The pictures are in {folder} on the server.")
        try:
            failed = subprocess.Popen([opener, str(folder)], stderr=subprocess.DEVNULL).wait(timeout=1) != 0
        except subprocess.TimeoutExpired:
            failed = False  # a file manager that stays open
        return self._say(f"The pictures are in {folder}." if failed else f"Opened {folder}.")

    def save(self, job_id: str, selected: int) -> Updates:
        image = picture(self._services, job_id, selected)
        if not isinstance(image, ImageSaved):
            return self._say("There is no picture to save yet.")
        try:
            saved = copies.copy_to([image], self._kept())
        except OutputError as error:
            return self._say(error=str(error))
        return self._offer(saved)

    def zip(self, job_id: str) -> Updates:
        job = self._services.jobs.get(job_id)
        view = job.view() if job else None
        images = [one for one in (*view.earlier, *view.images) if isinstance(one, ImageSaved)] if view else []
        if not images:
            return self._say("There are no pictures to save yet.")
        try:
            archive = copies.zip_of(images, self._kept())
        except OutputError as error:
            return self._say(error=str(error))
        return self._offer([archive])

    def interrupt(self, job_id: Any) -> Updates:
        """A job of several pictures ends after the one that is being drawn, where the user wants that; then at once."""
        job = self._running(job_id)
        if job is None:
            return {self._parts.progress: ""}
        wait = self._services.settings.current.interrupt_after_current and job.stop.level == Stop.NO and several(job)
        self._services.jobs.stop(job, Stop.AFTER if wait else Stop.NOW)
        shown = self._parts.buttons(True, ending=True)
        if wait:
            return shown | self._say("The job ends after this picture. Interrupt once more to end it at once.")
        return shown | {self._parts.progress: markup.waiting("Interrupting")}

    def skip(self, job_id: Any) -> str:
        job = self._running(job_id)
        if job is None:
            return ""
        self._services.jobs.stop(job, Stop.SKIP)
        return markup.waiting("Skipping")

    def _running(self, job_id: Any) -> Job | None:
        job = self._services.jobs.get(job_id) if isinstance(job_id, str) else None
        return None if job is None or job.view().ended else job

    def _kept(self) -> Path:
        return self._services.launch.data_dir.resolve() / self._services.settings.current.outdir_save

    def _offer(self, files: list[Path]) -> Updates:
        download = gr.update(value=[serve(str(path)) for path in files], visible=True)
        return self._say(f"Saved as {files[0]}.") | {self._parts.downloads: download}

    def _say(self, notice: str = "", error: str = "") -> Updates:
        return {self._parts.log: markup.messages([notice] if notice else [], error)}


class Memory(NamedTuple):
    """What stays in the browser of one tab."""

    job_id: gr.BrowserState
    draft: gr.BrowserState


def remembered(tab: str) -> Memory:
    return Memory(_remembered(f"sdui_{tab}_job"), _remembered(f"sdui_{tab}_form"))


def _remembered(key: str) -> gr.BrowserState:
    """Text that stays in the browser. It is no secret; a fixed one lets the next server read it."""
    return gr.BrowserState("", storage_key=key, secret=key)


def several(job: Job) -> bool:
    """Whether a job makes more than one picture, one after the other."""
    task = job.task
    if isinstance(task, ExtrasRequest):
        return len(task.pictures) > 1 or bool(task.input_dir)
    return isinstance(task, GenerationRequest) and (task.batch_count > 1 or script_of(task) is not None)


def picture(services: Services, job_id: str, selected: int) -> ImageSaved | PictureSaved | None:
    """The picture at this place of a job's gallery."""
    job = services.jobs.get(job_id)
    images = job.view().gallery if job else ()
    return images[selected] if 0 <= selected < len(images) else None


def is_local(request: Any) -> bool:
    """Whether the browser behind this gr.Request runs on the server's own machine, as far as one can tell."""
    host = str(request.headers.get("host", "")).rsplit(":", 1)[0]
    return host in _LOCAL_HOSTS and request.client is not None and request.client.host in _LOCAL_ADDRESSES


def client_of(visitor: gr.Request | None) -> str:
    """Who asks, for taking turns with others: an account, else the page on one machine."""
    asked: Any = visitor
    request: Any = getattr(asked, "request", None)
    account: Any = request.scope.get("account") if request else ""
    host: Any = asked.client.host if asked and asked.client else ""
    return str(account or f"page {host}".strip())
