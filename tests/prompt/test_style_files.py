"""Styles in several files are one list, and each file keeps its own when one is changed."""

from __future__ import annotations

import pytest

from sdui.core.errors import RequestError
from sdui.prompt.style_files import StyleFiles
from sdui.prompt.styles import Style


def rows(path):
    return [line for line in path.read_text(encoding="utf-8-sig").splitlines()[1:] if line]


@pytest.fixture
def two(tmp_path):
    """Both have a "b"; the later one's counts."""
    (tmp_path / "one.csv").write_text("name,prompt\na,1\nb,1\n")
    (tmp_path / "two.csv").write_text("name,prompt\nb,2\n")
    return StyleFiles(tmp_path, [tmp_path / "*.csv"])


def test_without_options_it_is_the_data_folders_file_which_need_not_exist(tmp_path):
    files = StyleFiles(tmp_path / "[data]")
    assert list(files.read()) == []
    assert files.merge([Style("new", "n {prompt}", "x")]).new == ("new",)
    assert files.read().apply("a cat", ["new"]) == "n a cat"
    assert files.paths() == [tmp_path / "[data]" / "styles.csv"]


def test_what_is_changed_by_hand_is_read_again(tmp_path):
    files = StyleFiles(tmp_path)
    (tmp_path / "styles.csv").write_text("name,prompt\na,1\n")
    assert files.read().names() == ["a"]
    (tmp_path / "styles.csv").write_text("name,prompt\na,1\nsecond,2\n")
    assert files.read().names() == ["a", "second"]


def test_a_style_is_saved_where_it_came_from_and_the_others_stay(two, tmp_path):
    merged = two.merge([Style("b", "new"), Style("c", "c"), Style("a", "1")])
    assert merged == (("c",), ("b",))
    assert rows(tmp_path / "one.csv") == ['"a","1",""', '"b","1",""', '"c","c",""']
    assert rows(tmp_path / "two.csv") == ['"b","new",""']


def test_a_deleted_style_is_gone_from_every_file(two, tmp_path):
    assert two.delete("b")
    assert two.read().names() == ["a"]
    assert rows(tmp_path / "two.csv") == []
    assert not two.delete("b")


def test_new_styles_go_into_the_first_file_that_is_named(tmp_path):
    (tmp_path / "x1.csv").write_text("name,prompt\na,1\n")
    files = StyleFiles(tmp_path, [tmp_path / "x*.csv", tmp_path / "mine.csv"])
    files.merge([Style("new", "n")])
    assert rows(tmp_path / "mine.csv") == ['"new","n",""']
    with pytest.raises(RequestError, match=r"there is no file .*y\*\.csv yet"):
        StyleFiles(tmp_path, [tmp_path / "y*.csv"]).merge([Style("new", "n")])


@pytest.mark.parametrize(
    ("style", "message"),
    [
        (Style(" ", "x"), "needs a name"),
        (Style("# a", "x"), "would be a comment"),
        (Style("a", "x" * 200_000), "is too long"),
    ],
)
def test_what_a_file_cannot_hold_is_refused_and_nothing_is_written(two, tmp_path, style, message):
    before = rows(tmp_path / "one.csv")
    with pytest.raises(RequestError, match=message):
        two.merge([Style("good", "g"), style])
    assert rows(tmp_path / "one.csv") == before
