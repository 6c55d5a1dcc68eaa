"""The Settings tab."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_settings_are_checked_stored_and_shown_again(server, visitor):
    page = visitor.open(server.url)
    page.click("#tab_settings-button")
    page.fill("#setting_jpeg_quality input[type=number]", "101")
    page.click("#settings_submit")
    expect(page.locator("#settings_result .error")).to_contain_text("is too large, at most 100.")
    page.fill("#setting_jpeg_quality input[type=number]", "91")
    page.fill("#setting_samples_filename_pattern input", "[seed]-[steps]")
    page.click("#settings_submit")
    expect(page.locator("#settings_result")).to_contain_text("2 settings changed and saved.")
    assert '"jpeg_quality": 91' in (server.folder / "config.json").read_text()
    page.reload()
    page.click("#tab_settings-button")
    expect(page.locator("#setting_jpeg_quality input[type=number]")).to_have_value("91")
