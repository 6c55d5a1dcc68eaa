"""Replay and verify: a picture is drawn again from its own file, and compared with it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sdui.core.errors import RequestError
from sdui.core.replay import Record
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.imaging.file_formats import read
from sdui.imaging.replaying import Comparison, Replay, Source, Sources, compared, prepared
from sdui.jobs.job import Job
from sdui.services import Services

from . import markup
from .components import ImageFile, serve, uploaded
from .form import Updates
from .results import QUIET
from .side_job import SideJob

_INIT, _MASK = "Picture that it was made from", "Mask"
_NOT_KEPT: dict[str, Any] = {
    "samples_save": False,
    "grid_save": False,
    "save_incomplete_images": False,
    "samples_format": "png",
    "enable_pnginfo": True,
}
"""Drawn into the temporary folder, exactly and with its replay record."""


class ReplayPanel:
    """The handlers are public endpoints: none trusts what the page sends."""

    def __init__(self, services: Services) -> None:
        """Makes the controls; `results` makes what tells of the outcome, elsewhere."""
        self._services = services
        with gr.Row(visible=False) as self._sources:
            self._init = _picture(_INIT, "pnginfo_replay_init")
            self._mask = _picture(_MASK, "pnginfo_replay_mask")
        self.button = gr.Button("Replay and verify", elem_id="pnginfo_replay", interactive=False)
        self._job = SideJob(services, "pnginfo_replay")
        self._paths = gr.State(("", "", ""))
        """Of what is being drawn again: the file, the picture that it was made from, the mask."""

    def results(self) -> None:
        self._verdict = gr.HTML(elem_id="pnginfo_replay_result", elem_classes=["messages", "replay"])
        with gr.Row(visible=False, elem_id="pnginfo_replay_pictures") as self._pictures:
            self._there = _shown("In the file", "pnginfo_replay_there")
            self._here = _shown("Drawn again", "pnginfo_replay_here")

    def bind(self, image: ImageFile) -> None:
        outputs = [*self._job.outputs(), self._paths, self._verdict, self._pictures, self._there, self._here]
        chosen = [self._job.asked, image, self._init, self._mask]
        self.button.click(self.start, chosen, outputs, **QUIET)
        self._job.timer.tick(self.tick, [self._job.asked, self._paths], outputs, **QUIET)

    def offered(self) -> list[Any]:
        """What `offer` changes."""
        return [self.button, self._sources, self._init, self._mask, self._verdict, self._pictures]

    def offer(self, request: GenerationRequest | None) -> Updates:
        """For the file that is shown now; None when it cannot be drawn again. What was said of another file goes."""
        init = request.init if request else None
        return {
            self.button: gr.update(interactive=request is not None),
            self._sources: gr.update(visible=init is not None),
            self._init: None,
            self._mask: gr.update(value=None, visible=init is not None and init.inpaint is not None),
            self._verdict: "",
            self._pictures: gr.update(visible=False),
        }

    def start(self, asked: Any, *given: Any) -> Updates:
        if self._job.running(asked):
            return {self._verdict: gr.skip()}
        paths = tuple(path if isinstance(path, str) else "" for path in given)
        try:
            replay = self._prepared(paths)
        except RequestError as error:
            return {self._verdict: markup.messages([], str(error)), self._pictures: gr.update(visible=False)}
        job = self._services.jobs.submit(replay.request, _preferences(self._services.settings.current))
        return self._job.begun(job) | {
            self._paths: paths,
            self._verdict: "",
            self._pictures: gr.update(visible=False),
        }

    def tick(self, asked: Any, paths: tuple[str, ...]) -> Updates:
        updates, job = self._job.look(asked)
        if job is None:
            return updates
        try:
            found, drawn = self._outcome(job, self._prepared(paths))
        except RequestError as error:
            return updates | {self._verdict: markup.messages(job.view().notices, str(error))}
        return updates | {
            self._verdict: markup.messages(job.view().notices) + markup.comparison(found),
            self._pictures: gr.update(visible=True),
            self._there: paths[0],
            self._here: serve(drawn),
        }

    def _prepared(self, paths: tuple[str, ...]) -> Replay:
        """Raises RequestError."""
        image, init, mask = paths
        if not image:
            raise RequestError("Source: choose a picture first.")
        sources = Sources(
            *(Source(name, uploaded(path, name) if path else b"") for name, path in ((_INIT, init), (_MASK, mask)))
        )
        return prepared(uploaded(image, "Source"), sources, self._services.requests)

    def _outcome(self, job: Job, replay: Replay) -> tuple[Comparison, str]:
        """The comparison, and where the new picture is. Raises RequestError where there is none."""
        view = job.view()
        if view.state == "stopped":
            raise RequestError("Interrupted; nothing was compared.")
        if view.error:
            raise RequestError(f"The picture cannot be drawn here: {view.error}")
        drawn = [image.path for image in view.images if image.kind == "image"]
        if not 0 <= replay.position < len(drawn):
            raise RequestError("The replay record is damaged: it names a place that its batch does not have.")
        path = drawn[replay.position]
        here = read(uploaded(path, "Drawn again"))
        return compared(replay, here.pixels, here.record or Record()), path


def _preferences(current: Preferences) -> Preferences:
    return current.model_copy(update=_NOT_KEPT)


def _picture(label: str, elem_id: str) -> ImageFile:
    return ImageFile(
        label=label, sources=["upload", "clipboard"], elem_id=elem_id, height=180, buttons=[], min_width=140
    )


def _shown(label: str, elem_id: str) -> gr.Image:
    return gr.Image(
        label=label,
        interactive=False,
        elem_id=elem_id,
        buttons=["download", "fullscreen"],
        min_width=140,
        type="filepath",
    )
