"""What A1111 returned, for the tests of this folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

GOLDENS = Path(__file__).parent / "goldens"


def _digest(values) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, np.float32).tobytes()).hexdigest()[:16]


@pytest.fixture(scope="session")
def random_goldens() -> dict:
    return json.loads((GOLDENS / "rng.json").read_text())


@pytest.fixture(scope="session")
def digest():
    """Equal for float32 values that are equal to the bit."""
    return _digest
