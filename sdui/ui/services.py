"""What every tab is handed: the few long-lived parts of the server behind the page."""

from __future__ import annotations

from dataclasses import dataclass, field

from sdui.core.settings import Launch, SettingsFile
from sdui.jobs.queue import JobQueue


@dataclass(frozen=True)
class Services:
    jobs: JobQueue
    settings: SettingsFile
    launch: Launch
    versions: dict[str, str] = field(default_factory=dict[str, str])
    """Shown in the footer, in this order: {"version": "0.1.0", "python": "3.11.2", ...}."""
