"""Profiles are files of a folder; their names never lead out of it."""

from __future__ import annotations

import pytest

from sdui.core.errors import RequestError
from sdui.core.profiles import Profile, Profiles


@pytest.fixture
def profiles(tmp_path):
    return Profiles(tmp_path / "profiles")


def made(name: str) -> Profile:
    return Profile(name, {"txt2img.steps": 7, "txt2img.prompt": "größer"}, {"jpeg_quality": 50})


def test_a_profile_is_read_as_it_was_saved(profiles):
    assert profiles.names() == []
    profiles.save(made("Night sky (2)"), replace=False)
    profiles.save(made("über"), replace=False)
    assert profiles.names() == ["Night sky (2)", "über"]
    assert profiles.read("über") == made("über")


def test_only_replacing_replaces(profiles):
    profiles.save(made("a"), replace=False)
    with pytest.raises(RequestError, match="There is a profile a already"):
        profiles.save(made("a")._replace(controls={}), replace=False)
    assert profiles.read("a").controls
    profiles.save(made("a")._replace(controls={}), replace=True)
    assert profiles.read("a").controls == {}


def test_renaming_keeps_the_content_and_takes_no_name_that_is_there(profiles):
    profiles.save(made("a"), replace=False)
    profiles.rename("a", "b")
    assert profiles.names() == ["b"] and profiles.read("b").controls == made("b").controls
    profiles.save(made("c"), replace=False)
    with pytest.raises(RequestError, match="There is a profile c already"):
        profiles.rename("b", "c")
    assert profiles.names() == ["b", "c"]
    profiles.remove("b")
    assert profiles.names() == ["c"]


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a\\b", ".hidden", "CON", "nul.txt", "a.", " a", "x" * 61, "a\nb", "a:b"]
)
def test_no_name_leads_elsewhere(profiles, name):
    for action in (profiles.read, profiles.remove, lambda name: profiles.save(made(name), replace=True)):
        with pytest.raises(RequestError, match="cannot be its name"):
            action(name)


def test_a_damaged_profile_is_named_and_one_of_another_shape_is_empty(profiles, tmp_path):
    profiles.save(made("a"), replace=False)
    file = tmp_path / "profiles" / "a.json"
    file.write_text("{")
    with pytest.raises(RequestError, match=r"Profile a: .*a\.json cannot be read"):
        profiles.read("a")
    for text in ("[]", '{"controls": 3}'):
        file.write_text(text)
        assert profiles.read("a") == Profile("a", {}, {})
