"""What A1111 returned, for the tests of this folder."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sdui.prompt.tokenizer import Tokenizer

GOLDENS = Path(__file__).parent / "goldens"


def _cases(name: str) -> list[dict]:
    packed = GOLDENS / f"{name}.json.gz"
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (GOLDENS / f"{name}.json").read_bytes()
    return json.loads(raw)["cases"]


@pytest.fixture(scope="session")
def goldens():
    return _cases


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer()
