"""What every tab and every route is handed: the few long-lived parts of the server."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from sdui.core.catalog import Catalog, Checkpoint
from sdui.core.extras import ExtrasRequest
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.core.ui_defaults import UiDefaults
from sdui.extensions.contracts import Tab
from sdui.history.history import History
from sdui.jobs.queue import JobQueue
from sdui.prompt.style_files import StyleFiles


@dataclass(frozen=True)
class Services:
    jobs: JobQueue
    settings: SettingsFile
    launch: Launch
    versions: dict[str, str] = field(default_factory=dict[str, str])
    """Shown in the footer, in this order: {"version": "0.1.0", "python": "3.11.2", ...}."""
    requests: type[GenerationRequest] = GenerationRequest
    """With the parameters of the extensions that are here."""
    extras: type[ExtrasRequest] = ExtrasRequest
    problems: tuple[str, ...] = ()
    """A sentence for each extension that cannot be used."""
    history: History | None = None
    """Of the tab of its name; without one there is no tab."""
    tabs: tuple[Tab, ...] = ()
    """Of extensions."""
    startup: Mapping[str, float] = field(default_factory=dict[str, float])
    """Seconds that each part of the start took, in their order."""

    @functools.cached_property
    def styles(self) -> StyleFiles:
        """The same files that the engine reads."""
        return StyleFiles(self.launch.data_dir, self.launch.styles_file)

    def checkpoint(self, catalog: Catalog) -> Checkpoint | None:
        """What this server draws with: the last choice, else --ckpt, else the first file."""
        wanted = (self.settings.current.sd_model_checkpoint, self.launch.ckpt)
        named = (catalog.find(name) for name in wanted if name)
        return next((one for one in named if one), None) or catalog.checkpoint("")

    @functools.cached_property
    def defaults(self) -> UiDefaults:
        """What the controls begin with."""
        return UiDefaults(self.launch.ui_config_path)
