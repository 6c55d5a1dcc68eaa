"""Test-wide settings."""

from __future__ import annotations

import gc
import os

from hypothesis import settings

# Tiny models crawl when two threads share a busy machine; torch reads this when it is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more about the machine than about the code; pytest-timeout ends what hangs.
settings.register_profile("sdui", deadline=None)
settings.load_profile("sdui")


def pytest_collection_finish() -> None:
    # What was imported stays; without this each collection, and every unloaded model asks for one, goes through it.
    gc.freeze()
