"""Tags from CSV files: popular ones first, by any of their names, read in the background."""

from __future__ import annotations

import time

import pytest

from sdui.prompt.tags import Tag, TagLibrary, Tags
from tests.support.servers import wait_until

FILE = (
    '1girl,0,4000000,"1girls,sole_female"\nlong_hair,0,2900000,longhair\nlong_sleeves,0,1000000,\n'
    "saber_(fate),4,90,\n^_^,0,70000,smiling_eyes\nplain\n,,\nbad,0,many,\n"
)


@pytest.fixture
def library(tmp_path):
    (tmp_path / "danbooru.csv").write_text(FILE)
    return ready(TagLibrary(tmp_path), "1girl")


def ready(library, name):
    wait_until(lambda: bool(library.now().find(name, 1)))
    return library


def names(tags, text, limit=20):
    return [found.tag.name for found in tags.find(text, limit)]


def test_popular_tags_come_first(library):
    assert names(library.now(), "long") == ["long_hair", "long_sleeves"]
    assert names(library.now(), "LONG_S") == names(library.now(), "long s") == ["long_sleeves"]
    assert names(library.now(), "long", 1) == ["long_hair"]
    assert names(library.now(), "") == names(library.now(), "x") == []


def test_a_tag_is_found_by_another_name_and_shown_once(library):
    (found,) = library.now().find("1gi", 20)
    assert (found.tag.name, found.alias) == ("1girl", "")
    (found,) = library.now().find("sole", 20)
    assert (found.tag.name, found.alias) == ("1girl", "sole_female")


def test_a_tag_stands_in_a_prompt_as_words(library):
    texts = [library.now().find(text, 1)[0].tag.text for text in ("long hair", "saber", "^_", "plain", "bad")]
    assert texts == ["long hair", r"saber \(fate\)", "^_^", "plain", "bad"]


def test_a_new_file_is_read_and_the_first_file_counts(library, tmp_path):
    (tmp_path / "other.csv").write_text("1girl,0,1,\nnew_tag,0,1,\n")
    ready(library, "new_tag")
    assert library.now().find("1girl", 1)[0].tag.pictures == 4000000


def test_no_folder_has_no_tags(tmp_path):
    assert names(TagLibrary(tmp_path / "missing").now(), "a") == []


def test_two_hundred_thousand_tags_are_searched_while_one_types():
    tags = Tags((Tag(f"tag_{number:06}", number), (f"alias_{number}",)) for number in range(200_000))
    begun = time.perf_counter()
    assert names(tags, "ta", 3) == ["tag_199999", "tag_199998", "tag_199997"]
    assert time.perf_counter() - begun < 1
