"""Preferences: the settings that are live, and their file. Launch flags are in launch.py."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from .api_preferences import ApiPreferences
from .errors import RequestError
from .files import put_aside, write_atomic
from .interrogate_preferences import InterrogatePreferences
from .network_preferences import NetworkPreferences
from .page_preferences import PagePreferences
from .params import Param, declared
from .postprocessing_preferences import ExtrasPreferences, FacePreferences, UpscalingPreferences
from .prompt_preferences import PromptPreferences
from .results_preferences import ResultsPreferences
from .settings_history import SettingsHistory, differences

log = logging.getLogger(__name__)


_SAVING, _PATHS, _SUBDIRS = "Saving images/grids", "Paths for saving", "Saving to a directory"
_PREVIEWS, _IMG2IMG = "Live previews", "img2img"
_FORMATS = ("png", "jpg", "webp")


class Preferences(
    PagePreferences,
    PromptPreferences,
    ResultsPreferences,
    NetworkPreferences,
    InterrogatePreferences,
    ExtrasPreferences,
    FacePreferences,
    UpscalingPreferences,
    ApiPreferences,
):
    """Changes nothing in the pixels of a request; a job gets a frozen copy. Names are those of A1111's config.json.

    The server's own class has those parameters of requests as well that are settings: `standing.preferences`.
    """

    samples_save: Annotated[bool, Param("Always save all generated images", section=_SAVING)] = True
    samples_format: Annotated[
        Literal["png", "jpg", "webp"], Param("File format for images", choices=_FORMATS, section=_SAVING)
    ] = "png"
    samples_filename_pattern: Annotated[
        str,
        Param(
            "Images filename pattern",
            "Tags: [seed] [steps] [cfg] [sampler] [model_name] [prompt_words] [date] [datetime<Format>] and more; "
            "empty means [seed].",
            section=_SAVING,
        ),
    ] = ""
    save_images_add_number: Annotated[bool, Param("Add number to filename when saving", section=_SAVING)] = True
    grid_save: Annotated[bool, Param("Always save all generated image grids", section=_SAVING)] = True
    grid_format: Annotated[
        Literal["png", "jpg", "webp"], Param("File format for grids", choices=_FORMATS, section=_SAVING)
    ] = "png"
    n_rows: Annotated[
        int,
        Field(ge=-1, le=16),
        Param("Grid row count", "-1 makes the grid as square as it can be, 0 uses the batch size.", section=_SAVING),
    ] = -1
    enable_pnginfo: Annotated[
        bool,
        Param("Write infotext to metadata of the generated image", "Without it nothing restores it.", section=_SAVING),
    ] = True
    jpeg_quality: Annotated[
        int, Field(ge=1, le=100), Param("Quality for saved jpeg and avif images", section=_SAVING)
    ] = 80
    webp_lossless: Annotated[bool, Param("Use lossless compression for webp images", section=_SAVING)] = False
    save_incomplete_images: Annotated[
        bool, Param("Save incomplete images", "Also keep what was there when you pressed Interrupt.", section=_SAVING)
    ] = False

    outdir_samples: Annotated[
        str,
        Param(
            "Output directory for images",
            "If empty, defaults to the directories below.",
            widget="directory",
            section=_PATHS,
        ),
    ] = ""
    outdir_txt2img_samples: Annotated[
        str, Param("Output directory for txt2img images", widget="directory", section=_PATHS)
    ] = "outputs/txt2img-images"
    outdir_img2img_samples: Annotated[
        str, Param("Output directory for img2img images", widget="directory", section=_PATHS)
    ] = "outputs/img2img-images"
    outdir_grids: Annotated[
        str,
        Param(
            "Output directory for grids",
            "If empty, defaults to the directory below.",
            widget="directory",
            section=_PATHS,
        ),
    ] = ""
    outdir_txt2img_grids: Annotated[
        str, Param("Output directory for txt2img grids", widget="directory", section=_PATHS)
    ] = "outputs/txt2img-grids"
    outdir_img2img_grids: Annotated[
        str, Param("Output directory for img2img grids", widget="directory", section=_PATHS)
    ] = "outputs/img2img-grids"
    outdir_save: Annotated[
        str, Param("Directory for saving images using the Save button", widget="directory", section=_PATHS)
    ] = "log/images"

    save_to_dirs: Annotated[bool, Param("Save images to a subdirectory", section=_SUBDIRS)] = True
    grid_save_to_dirs: Annotated[bool, Param("Save grids to a subdirectory", section=_SUBDIRS)] = True
    directories_filename_pattern: Annotated[
        str, Param("Directory name pattern", "The same tags as for file names.", section=_SUBDIRS)
    ] = "[date]"
    directories_max_prompt_words: Annotated[
        int, Field(ge=1, le=20), Param("Max prompt words for [prompt_words] pattern", section=_SUBDIRS)
    ] = 8

    live_previews_enable: Annotated[bool, Param("Show live previews of the created image", section=_PREVIEWS)] = True
    show_progress_every_n_steps: Annotated[
        int,
        Field(ge=1, le=32),
        Param(
            "Live preview display period",
            "Show a new preview after this many steps, or later where previews would slow drawing down by over 2 %.",
            section=_PREVIEWS,
        ),
    ] = 2
    show_progress_type: Annotated[
        Literal["Approx cheap", "TAESD"],
        Param(
            "Live preview method",
            "TAESD is sharper and needs its decoder file in models/VAE-taesd; without the file the cheap one is used.",
            choices=("Approx cheap", "TAESD"),
            section=_PREVIEWS,
        ),
    ] = "Approx cheap"
    live_previews_image_width: Annotated[
        int, Field(ge=64, le=2048), Param("Live preview width", "Of one picture, in pixels.", section=_PREVIEWS)
    ] = 384

    return_mask: Annotated[
        bool,
        Param("For inpainting, include the greyscale mask in results for web", section=_IMG2IMG),
    ] = False
    return_mask_composite: Annotated[
        bool,
        Param("For inpainting, include masked composite in results for web", section=_IMG2IMG),
    ] = False
    batch_independent: Annotated[
        bool,
        Param(
            "Draw the pictures of a batch one by one",
            "Each is then equal to the bit to the same picture drawn alone; slower. Without it DPM adaptive, img2img's "
            "latent noise and the rounding of sums depend on the batch, as in A1111.",
            section="Stable Diffusion",
        ),
    ] = False

    sd_checkpoints_limit: Annotated[
        int,
        Field(ge=1, le=10),
        Param(
            "Maximum number of checkpoints loaded at the same time",
            "What stays in memory after a job; a refiner or the next job's checkpoint may come on top for a while.",
            section="Stable Diffusion",
        ),
    ] = 1
    sd_checkpoints_keep_in_cpu: Annotated[
        bool,
        Param(
            "Only keep one model on device",
            "Will keep models other than the currently used one in RAM rather than VRAM.",
            section="Stable Diffusion",
        ),
    ] = True
    sd_model_checkpoint: Annotated[
        str,
        Param("Stable Diffusion checkpoint", "Chosen when the page opens; the page keeps it up to date."),
    ] = ""


class SettingsFile:
    """Preferences in A1111's config.json: read leniently, written whole and atomically, foreign keys kept."""

    def __init__(self, path: Path, model: type[Preferences] = Preferences) -> None:
        """model: `standing.preferences` makes it; with the parameters of requests that are settings."""
        self.path = path
        self.model = model
        self.problem = ""
        self.history = SettingsHistory(path.with_name(f"{path.stem}-history"))
        self._foreign: dict[str, Any] = {}
        self._changing = threading.Lock()
        self.current = self._read()

    @property
    def foreign(self) -> dict[str, Any]:
        """What the file has under keys that are no settings here."""
        return dict(self._foreign)

    def change(self, foreign: Mapping[str, Any] | None = None, /, **values: Any) -> Preferences:
        """Validate, write, then use. What raises changes nothing: pydantic's ValidationError, OSError.

        foreign: JSON for keys that are no settings here; the others stay.
        """
        with self._changing:
            changed = self.model.model_validate(self.current.model_dump() | values)
            kept = self._foreign | dict(foreign or {})
            text = json.dumps(kept | changed.model_dump(), indent=4, ensure_ascii=False)
            if any(differences(self.current, changed)):
                self._keep_version()
            write_atomic(self.path, text.encode())
            self.current, self._foreign = changed, kept
        return changed

    def go_back(self, version: str) -> Preferences:
        """Change all settings that are shown to what they were. Raises RequestError, OSError."""
        found = self.history.find(version)
        if found is None:
            raise RequestError("This version of the settings is not there any more; open the page again.")
        then, _ = self.lenient(found.content)
        return self.change(**{d.path: d.of(then) for d in declared(self.model) if d.param.section})

    def _keep_version(self) -> None:
        """A history that cannot be written is no reason to refuse a change."""
        try:
            self.history.keep(self.path.read_bytes() if self.path.exists() else b"{}")
        except OSError as error:
            log.warning("No version of the settings was kept in %s: %s", self.history.folder, error)

    def _read(self) -> Preferences:
        if not self.path.exists():
            return self.model()
        try:
            given: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8-sig"))
            self._foreign = {k: v for k, v in given.items() if k not in self.model.model_fields}
        except (OSError, ValueError, AttributeError) as error:
            self.problem = f"{self.path} cannot be read ({error}); defaults are used{put_aside(self.path)}."
            return self.model()
        preferences, wrong = self.lenient(given)
        if wrong:
            self.problem = f"{self.path}: not valid, so the defaults are used: {', '.join(wrong)}."
        return preferences

    def lenient(self, given: Mapping[str, Any]) -> tuple[Preferences, list[str]]:
        """What a file of settings says, and the names of values that are not valid, for which the defaults stand."""
        own = {name: value for name, value in given.items() if name in self.model.model_fields}
        wrong = [] if self._usable(own) else [name for name, value in own.items() if not self._usable({name: value})]
        return self.model.model_validate({name: value for name, value in own.items() if name not in wrong}), wrong

    def _usable(self, values: Mapping[str, Any]) -> bool:
        try:
            self.model.model_validate(values)
        except ValidationError:
            return False
        return True
