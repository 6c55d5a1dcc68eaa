"""A1111's styles.csv can be used, and applying a style can be undone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdui.core.errors import RequestError
from sdui.prompt.styles import Style, StyleDatabase

from .conftest import GOLDENS

examples = settings(max_examples=200, deadline=None, derandomize=True, database=None)


@pytest.fixture(scope="module")
def styles():
    return StyleDatabase.read([GOLDENS / "styles.csv"])


def written(folder, text, name="styles.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def content(database):
    return [(style.name, style.prompt, style.negative_prompt) for style in database]


def test_the_golden_file_is_read_as_in_a1111(goldens, styles):
    # The recording took "twice" out and put it back, so the order there is not that of the file.
    assert sorted([*row, row[0]] for row in content(styles)) == sorted(goldens("styles_list"))
    assert [style.name for style in styles][-2:] == ["twice", "--divider--"]


def test_every_golden_application_is_equal(goldens, styles):
    cases = goldens("styles_apply")
    assert len(cases) == 41
    for case in cases:
        prompt = styles.apply(case["prompt"], case["styles"])
        negative = styles.apply(case["negative"], case["styles"], negative=True)
        assert (prompt, negative) == (case["out_prompt"], case["out_negative"]), case
        names, *rest = styles.extract(prompt, negative)
        assert [list(names), *rest] == case["extract"], case


def test_every_golden_extraction_is_equal(goldens, styles):
    cases = goldens("styles_extract")
    assert len(cases) == 12
    for case in cases:
        names, *rest = styles.extract(case["prompt"], case["negative"])
        assert [list(names), *rest] == case["out"], case


@pytest.mark.parametrize(
    "text",
    [
        "name,prompt,negative_prompt\na,x,y\n",
        "\ufeffname,prompt,negative_prompt\r\na,x,y\r\n",
        " Name , Prompt , Negative_prompt\n\na, x, y\n",
        'negative_prompt,name,prompt,notes\n"y","a","x",old\n',
        "name,prompt,negative_prompt\n# a comment\n,nameless,\na,x,y",
    ],
)
def test_headers_may_vary(tmp_path, text):
    assert content(StyleDatabase.read([written(tmp_path, text)])) == [("a", "x", "y")]


def test_old_files_have_a_text_column(tmp_path):
    assert content(StyleDatabase.read([written(tmp_path, "name,text\na,x\nb\n")])) == [("a", "x", ""), ("b", "", "")]


def test_quotes_hold_commas_line_breaks_and_spaces(tmp_path):
    text = 'name,prompt,negative_prompt\n"a, b"," say ""hi"",\nthere ",猫\n'
    assert content(StyleDatabase.read([written(tmp_path, text)])) == [("a, b", ' say "hi",\nthere ', "猫")]


def test_several_files_are_one_list_and_the_later_counts(tmp_path):
    one = written(tmp_path, "name,prompt\na,1\nb,1\n", "one.csv")
    other = written(tmp_path, "name,prompt\nb,2\nc,2\n", "other.csv")
    database = StyleDatabase.read([one, tmp_path / "missing.csv", other])
    assert content(database) == [("a", "1", ""), ("b", "2", ""), ("c", "2", "")]
    assert [style.file for style in database] == [one, other, other]


def test_each_file_gets_its_own_styles_back(tmp_path):
    one = written(tmp_path, "name,prompt\na,1\n", "one.csv")
    other = written(tmp_path, "name,prompt\nb,2\n", "other.csv")
    StyleDatabase([*StyleDatabase.read([one, other]), Style("new", "n")]).save(other)
    assert content(StyleDatabase.read([one])) == [("a", "1", "")]
    assert content(StyleDatabase.read([other])) == [("b", "2", ""), ("new", "n", "")]


texts = st.text(st.characters(codec="utf-8"), max_size=12)


@settings(examples, max_examples=50)
@given(rows=st.lists(st.tuples(texts, texts, texts), max_size=5, unique_by=lambda row: row[0]))
def test_what_is_saved_is_read_again(tmp_path_factory, rows):
    rows = [row for row in rows if row[0] and not row[0].startswith("#")]
    path = tmp_path_factory.getbasetemp() / "saved.csv"
    StyleDatabase(Style(*row) for row in rows).save(path)
    assert content(StyleDatabase.read([path])) == rows


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("name,prompt\né,x".encode("latin-1"), "is not UTF-8"),
        (b"prompt,text\nx,y", "must name the columns"),
        (b"name,prompt\na," + b"x" * 200_000, "cannot be read"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, data, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(RequestError, match=rf"bad\.csv.*{message}|{message}|line of .*bad\.csv.*{message}"):
        StyleDatabase.read([path])


def test_an_empty_file_has_no_styles(tmp_path):
    assert content(StyleDatabase.read([written(tmp_path, "")])) == []


def test_a_style_that_repeats_the_prompt_cannot_fill_the_memory(styles):
    with pytest.raises(RequestError, match="twice makes the prompt too long"):
        styles.apply("a cat", ["twice"] * 50)


def test_an_overlap_is_not_a_style():
    assert StyleDatabase([Style("s", "ab{prompt}ba")]).extract("aba", "") == ((), "aba", "")


plain = st.text("ab, ", max_size=6)
style_texts = plain | st.tuples(plain, plain).map("{prompt}".join)


@examples
@given(st.lists(st.tuples(style_texts, style_texts), max_size=4), plain, plain)
def test_what_is_extracted_and_applied_again_is_the_prompt(rows, prompt, negative):
    """Up to spaces and commas, for which A1111's rules are loose."""
    database = StyleDatabase(Style(str(number), *row) for number, row in enumerate(rows))
    names, rest, negative_rest = database.extract(prompt, negative)
    again = database.apply(rest, names), database.apply(negative_rest, names, negative=True)
    bare = [text.replace(" ", "").replace(",", "") for text in (prompt, negative, *again)]
    assert bare[:2] == bare[2:]


@examples
@given(st.text(), st.text(), st.lists(st.sampled_from(["plain", "template", "twice", "multi", "missing"]), max_size=5))
def test_any_text_can_be_applied_and_extracted(styles, prompt, negative, names):
    applied = styles.apply(prompt, names), styles.apply(negative, names, negative=True)
    assert all(isinstance(text, str) for text in styles.extract(*applied)[1:])
