"""Words for the picture that img2img was given: a job of its own, whose answer becomes the prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.extras import InterrogateRequest
from sdui.jobs.job import Job
from sdui.services import Services

from . import markup
from .checkpoints import tool
from .form import Updates
from .generation import Top
from .init_pictures import InitPictures
from .results import QUIET
from .side_job import SideJob

_BUTTONS = {"CLIP": ("Interrogate CLIP", "interrogate"), "DeepDanbooru": ("Interrogate DeepBooru", "deepbooru")}
"""Label and element id, as A1111 has them, by the describer's name."""


class Interrogation:
    """The buttons and their handlers. Each handler is a public endpoint: none trusts what the page sends."""

    def __init__(self, services: Services, top: Top) -> None:
        self._services = services
        with top.row:
            self._buttons = {
                name: tool(f"{label}: the prompt becomes a description of the picture", elem_id)
                for name, (label, elem_id) in _BUTTONS.items()
            }
        with top.actions:
            self.job = SideJob(services, "img2img_interrogate")

    def bind(self, pictures: InitPictures, prompt: gr.Textbox, log: gr.HTML) -> None:
        self.pictures, self.prompt, self.log = pictures, prompt, log
        outputs = [*self.job.outputs(), log, prompt]
        inputs = [self.job.asked, pictures.mode, *pictures.files()]
        for name, button in self._buttons.items():
            button.click(self.starter(name), inputs, outputs, **QUIET)
        self.job.timer.tick(self.tick, [self.job.asked], outputs, **QUIET)

    def starter(self, describer: str) -> Callable[..., Updates]:
        def start(asked: Any, mode: Any, *files: Any) -> Updates:
            if self.job.running(asked):
                return {self.log: gr.skip()}
            try:
                job = self._submit(describer, self.pictures.read_image(mode, *files))
            except RequestError as error:
                return {self.log: markup.messages([], str(error))}
            return self.job.begun(job) | {self.log: ""}

        return start

    def tick(self, asked: Any) -> Updates:
        updates, job = self.job.look(asked)
        if job is None:
            return updates
        view = job.view()
        notices = [*view.notices, *(["Interrupted."] if view.state == "stopped" else [])]
        said: Updates = {self.prompt: view.described} if view.state == "finished" else {}
        return updates | {self.log: markup.messages(notices, view.error)} | said

    def _submit(self, describer: str, image: bytes) -> Job:
        """Raises RequestError."""
        here = self._services.jobs.catalog().names("describers")
        if describer not in here:
            raise RequestError(f"There is no interrogator {describer!r} here; known are {', '.join(here) or 'none'}.")
        task = InterrogateRequest(image=image, describer=describer)
        return self._services.jobs.submit(task, self._services.settings.current)
