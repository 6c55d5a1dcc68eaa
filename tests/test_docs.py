"""The parameter page names everything that is declared."""

from __future__ import annotations

from sdui import docs
from sdui.core.launch import Launch
from sdui.core.merging import MergeRequest
from sdui.core.params import declared
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences


def test_every_declared_parameter_has_a_row():
    rows = docs.page()
    for model in (GenerationRequest, MergeRequest, Preferences):
        assert [d.path for d in declared(model) if f"\n| `{d.path}` |" not in rows] == []
    assert [d.path for d in declared(Launch) if f"| `SDUI_{d.path.upper()}` |" not in rows] == []


def test_what_extensions_add_is_there():
    rows = docs.page()
    assert "## X/Y/Z plot (`xyz_plot`)" in rows and "| `x_type` | X type | X Type |" in rows
    assert "## Upscale (`upscale`)" in rows


def test_a_row_says_what_is_valid():
    assert "| `steps` | Sampling steps | Steps | `steps` | whole number 1 to 1,000 | `20` |" in docs.page()
