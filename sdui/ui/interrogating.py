"""Words for the picture that img2img was given: a job of its own, whose answer becomes the prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.extras import InterrogateRequest
from sdui.jobs.queue import Job

from . import markup
from .checkpoints import tool
from .following import PERIOD
from .form import Updates
from .generation import Top
from .init_pictures import InitPictures
from .results import QUIET
from .services import Services

_BUTTONS = {"CLIP": ("Interrogate CLIP", "interrogate"), "DeepDanbooru": ("Interrogate DeepBooru", "deepbooru")}
"""Label and element id, as A1111 has them, by the describer's name."""


class Interrogation:
    """The buttons and their handlers. Each handler is a public endpoint: none trusts what the page sends."""

    def __init__(self, services: Services, top: Top) -> None:
        self._services = services
        self.asked = gr.State("")
        """The running job's id."""
        self.timer = gr.Timer(PERIOD, active=False)
        with top.row:
            self._buttons = {
                name: tool(f"{label}: the prompt becomes a description of the picture", elem_id)
                for name, (label, elem_id) in _BUTTONS.items()
            }
        with top.actions:
            self.progress = gr.HTML(elem_id="img2img_interrogate_progress", elem_classes=["progress-box"])

    def bind(self, pictures: InitPictures, prompt: gr.Textbox, log: gr.HTML) -> None:
        self.pictures, self.prompt, self.log = pictures, prompt, log
        outputs = [self.asked, self.timer, self.progress, log, prompt]
        inputs = [self.asked, pictures.mode, *pictures.files()]
        for name, button in self._buttons.items():
            button.click(self.starter(name), inputs, outputs, **QUIET)
        self.timer.tick(self.tick, [self.asked], outputs, **QUIET)

    def starter(self, describer: str) -> Callable[..., Updates]:
        def start(asked: Any, mode: Any, *files: Any) -> Updates:
            running = self._job(asked)
            if running and not running.view().ended:
                return {self.asked: asked, self.timer: gr.Timer(active=True)}
            try:
                job = self._submit(describer, self.pictures.read_image(mode, *files))
            except RequestError as error:
                return {self.log: markup.messages([], str(error))}
            return {
                self.asked: job.id,
                self.timer: gr.Timer(active=True),
                self.progress: markup.waiting("Describing the picture"),
                self.log: "",
            }

        return start

    def tick(self, asked: Any) -> Updates:
        job = self._job(asked)
        over: Updates = {self.asked: "", self.timer: gr.Timer(active=False), self.progress: ""}
        if job is None:
            return over
        view = job.view()
        if not view.ended:
            return {self.progress: markup.progress(view, self._services.jobs.position(job))}
        notices = [*view.notices, *(["Interrupted."] if view.state == "stopped" else [])]
        said: Updates = {self.prompt: view.described} if view.state == "finished" else {}
        return over | {self.log: markup.messages(notices, view.error)} | said

    def _submit(self, describer: str, image: bytes) -> Job:
        """Raises RequestError."""
        here = self._services.jobs.catalog().names("describers")
        if describer not in here:
            raise RequestError(f"There is no interrogator {describer!r} here; known are {', '.join(here) or 'none'}.")
        task = InterrogateRequest(image=image, describer=describer)
        return self._services.jobs.submit(task, self._services.settings.current)

    def _job(self, job_id: Any) -> Job | None:
        return self._services.jobs.get(job_id) if isinstance(job_id, str) else None
