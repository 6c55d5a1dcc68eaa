"""The language of the search box."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.core.errors import RequestError
from sdui.history.database import Database
from sdui.history.entries import Entry
from sdui.history.search import read_search


@pytest.fixture
def found(history, save):
    save("outputs/txt2img-images/00001-41.png", "a red apple, Üppig", "blurry", 41, "demo", "Euler a", "2026-11-05")
    save(
        "outputs/txt2img-images/00002-42.png", "red_wine <lora:my style:1>", "apple", 42, "large", "DDIM", "2026-10-31"
    )
    save("outputs/txt2img-images/00003-7.png", "a blue house <lyco:roof:1>", "", 7, "demo v2", "Euler", "2025-01-01")
    history.scan()
    return lambda text: {Path(row.name).stem[4] for row in history.page(text, 0, 10).rows}


@pytest.mark.parametrize(
    "text, pictures",
    [
        ("", "123"),
        ("  ", "123"),
        ("apple", "12"),
        ("app", "12"),
        ("pple", ""),
        ("red apple", "12"),
        ('"red apple"', "1"),
        ('"apple red"', ""),
        ('"red apple', "1"),
        ("APPLE", "12"),
        ("uppig", "1"),
        ("wine", "2"),
        ("00002", "2"),
        ("png", "123"),
        ("large", "2"),
        ("style", "2"),
        ("model:demo", "13"),
        ('model:"demo v2"', "3"),
        ("MODEL:Demo", "13"),
        ("lora:my", "2"),
        ('lora:"my style"', "2"),
        ("lora:roof", "3"),
        ("lora:apple", ""),
        ("sampler:euler", "13"),
        ('sampler:"euler a"', "1"),
        ("seed:41", "1"),
        ("seed:4", ""),
        ("date:2026", "12"),
        ("date:2026-11", "1"),
        ("date:2026-11-05", "1"),
        ("date:2026-11-06", ""),
        ("date:2026-10-31..2026-11-05", "12"),
        ("date:2026-10..2026-11", "12"),
        ("date:..2026-10", "23"),
        ("date:2026-11..", "1"),
        ("date:2025-12", ""),
        ("is:favourite", ""),
        ("model:demo seed:41 apple date:2026-11", "1"),
        ("model:", "123"),
        ("seed: date: is: lora:", "123"),
        ("unknown:field", ""),
        ("(red:1.2)", ""),
        ("apple,", "12"),
        (", . ! :", "123"),
        ("NOT apple OR", ""),
        ('a" OR "b', ""),
        ("prompt : apple *", ""),
    ],
)
def test_words_and_fields(found, text, pictures):
    assert found(text) == set(pictures)


@pytest.mark.parametrize("text", ["seed:x", "seed:-1", "seed:1..2", "seed:99999999999999999999"])
def test_a_seed_is_a_number(text):
    with pytest.raises(RequestError, match="seed: "):
        read_search(text)


@pytest.mark.parametrize("text", ["2026-13", "2026-02-30", "0000", "9999", "20261105", "today", "2026-11...", "a..b"])
def test_a_date_is_a_date(text):
    with pytest.raises(RequestError, match="date: "):
        read_search(f"date:{text}")


def test_nothing_else_is_known_of_pictures():
    with pytest.raises(RequestError, match="is: "):
        read_search("is:nice")


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = Database(tmp_path_factory.mktemp("index") / "history.sqlite3")
    database.put([Entry("a.png", (1, 1), prompt="a cat")])
    yield database
    database.close()


@given(
    st.text()
    | st.lists(st.sampled_from(['"', ":", "model", "*", "a", " ", "AND", "date", "..", "\0", "\ud800"])).map("".join)
)
def test_whatever_is_typed_is_a_search_or_told_to_be_none(database, text):
    try:
        search = read_search(text)
    except RequestError:
        return
    database.find(search, 0, 10)


@given(st.lists(st.from_regex(r"[a-zA-Z0-9]{1,12}", fullmatch=True), min_size=1, max_size=8), st.data())
def test_every_beginning_of_a_word_finds_it(words, data):
    database = Database(Path("/dev/null/none"))
    database.put([Entry("x.png", (1, 1), prompt=" ".join(words))])
    word = data.draw(st.sampled_from(words))
    beginning = word[: data.draw(st.integers(1, len(word)))]
    assert database.find(read_search(beginning), 0, 1).total == 1
    database.close()
