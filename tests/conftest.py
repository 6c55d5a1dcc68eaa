"""Test-wide settings."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# Tiny models crawl when two threads share a busy machine; torch reads this when it is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more about the machine than about the code; pytest-timeout ends what hangs.
settings.register_profile("sdui", deadline=None)
settings.load_profile("sdui")


def pytest_collection_finish() -> None:
    leave_alone_what_stays()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    yield
    if nextitem is None or nextitem.path != item.path:
        leave_alone_what_stays()


def leave_alone_what_stays() -> None:
    """Spare collections, and every unloaded model asks for one, the way through what is never given back.

    That is what was imported, and what Gradio keeps of every page that was built: after some files a million objects,
    through which each collection went for half a second.
    """
    gc.collect()
    gc.freeze()
