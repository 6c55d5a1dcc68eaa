"""Comments are for the writer of a prompt."""

import pytest

from sdui.prompt.comments import without_comments


@pytest.mark.parametrize(
    ("typed", "drawn"),
    [
        ("a cat", "a cat"),
        ("a cat # sleeping\non a mat", "a cat \non a mat"),
        ("a cat\n# the mat is blue\non a mat", "a cat\non a mat"),
        ("# nothing", ""),
        ("", ""),
    ],
)
def test_what_stands_after_a_hash_is_left_out(typed, drawn):
    assert without_comments(typed) == drawn
