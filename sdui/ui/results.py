"""The panel with the pictures: live preview, gallery, its infotext, and what can be done with a picture."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from sdui.core.errors import OutputError
from sdui.core.events import ImageSaved, PictureSaved, Stop
from sdui.imaging import copies

from . import markup
from .checkpoints import tool
from .components import serve
from .following import PERIOD, Parts
from .form import Updates
from .services import Services

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
_LOCAL_ADDRESSES = ("127.0.0.1", "::1")


def generate_box(tab: str) -> dict[str, gr.Button]:
    """Generate waits until the page knows its job: an answer about an older one would take the page away from it."""
    with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["generate-box"]):
        return {
            "interrupt": gr.Button("Interrupt", elem_id=f"{tab}_interrupt", visible=False, min_width=80),
            "skip": gr.Button("Skip", elem_id=f"{tab}_skip", visible=False, min_width=80),
            "generate": gr.Button(
                "Generate", elem_id=f"{tab}_generate", variant="primary", min_width=160, interactive=False
            ),
        }


def build(services: Services, tab: str, buttons: dict[str, gr.Button], memory: Memory | None = None) -> Parts:
    """The panel of one tab; `buttons` are its generate, interrupt and skip.

    memory: made outside, for a tab that is not the first: what is in a closed tab does not read what it kept.

    What the Extras tab makes has no request that could be written down, so there are no buttons to save copies.
    """
    copied = tab != "extras"
    memory = memory or remembered(tab)
    with gr.Column(elem_id=f"{tab}_results", elem_classes=["results"], scale=5):
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
                buttons=["download", "fullscreen"],
            )
        with gr.Row(elem_id=f"image_buttons_{tab}", elem_classes=["tools"]):
            folder = tool("Open the folder of this picture", f"{tab}_open_folder", visible=False)
            save = tool("Save a copy of this picture", f"save_{tab}", visible=copied)
            archive = tool("Save all pictures as a zip file", f"save_zip_{tab}", visible=copied)
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
        open_folder=folder,
        **buttons,
    )
    panel = Results(services, parts)
    gallery.select(panel.select, [parts.job_id], [parts.selected, info], **QUIET)
    picked = [parts.job_id, parts.selected]
    point = gr.Button("Show the cell", visible="hidden", elem_id=f"{tab}_point")
    where = f"(job, selected) => [job, selected, document.getElementById('{tab}_gallery').dataset.pointed]"
    point.click(panel.point, [*picked, gr.Textbox(visible="hidden")], [info], js=where, **QUIET)
    folder.click(panel.open_folder, picked, [log], **QUIET)
    save.click(panel.save, picked, [log, downloads], **QUIET)
    archive.click(panel.zip, [parts.job_id], [log, downloads], **QUIET)
    for button, level in ((parts.interrupt, Stop.NOW), (parts.skip, Stop.SKIP)):
        button.click(panel.stopper(level), [parts.job_id], [progress], **QUIET)
    return parts


QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""How events of the page itself run: at once, without Gradio's own spinner, not in the list of endpoints."""


class Results:
    """What the buttons under the gallery do."""

    def __init__(self, services: Services, parts: Parts) -> None:
        self._services = services
        self._parts = parts

    def select(self, job_id: str, event: gr.SelectData) -> tuple[int, str]:
        image = picture(self._services, job_id, int(event.index))
        return int(event.index), markup.described(image) if image else ""

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
        images = job.view().images if job else ()
        if not images:
            return self._say("There are no pictures to save yet.")
        try:
            archive = copies.zip_of(images, self._kept())
        except OutputError as error:
            return self._say(error=str(error))
        return self._offer([archive])

    def stopper(self, level: Stop) -> Callable[[Any], str]:
        def stop(job_id: Any) -> str:
            job = self._services.jobs.get(job_id) if isinstance(job_id, str) else None
            if job is None or job.view().ended:
                return ""
            self._services.jobs.stop(job, level)
            return markup.waiting("Interrupting" if level == Stop.NOW else "Skipping")

        return stop

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


def picture(services: Services, job_id: str, selected: int) -> ImageSaved | PictureSaved | None:
    """The picture at this place of a job's gallery."""
    job = services.jobs.get(job_id)
    images = job.view().gallery if job else ()
    return images[selected] if 0 <= selected < len(images) else None


def is_local(request: Any) -> bool:
    """Whether the browser behind this gr.Request runs on the server's own machine, as far as one can tell."""
    host = str(request.headers.get("host", "")).rsplit(":", 1)[0]
    return host in _LOCAL_HOSTS and request.client is not None and request.client.host in _LOCAL_ADDRESSES
