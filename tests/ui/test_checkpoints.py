"""A checkpoint is found by what pictures and old pages say of it."""

from __future__ import annotations

import pytest

from sdui.core.catalog import Catalog, Checkpoint
from sdui.ui.checkpoints import differs

FIRST = Checkpoint("first", "first.safetensors [0123456789]", hashes=("0123456789" + 54 * "0", "11112222"))
SECOND = Checkpoint("second", "second.safetensors [abcdefabcd]", hashes=("abcdefabcd" + 54 * "0", "aaaabbbb", 64 * "c"))
CATALOG = Catalog((FIRST, SECOND))


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("second.safetensors [abcdefabcd]", ""),
        ("second", ""),
        ("second.safetensors", ""),
        ("renamed", "abcdefabcd"),
        ("renamed", "abcdefabcd" + "0" * 54),
        ("", "abcdefabcd"),
        ("renamed", "AAAABBBB"),
        ("renamed", "cccccccccccc"),
    ],
)
def test_found_by_title_name_file_or_hash(name, digest):
    assert CATALOG.find(name, digest) == SECOND


@pytest.mark.parametrize(("name", "digest"), [("", ""), ("third", ""), ("third", "ffffffffff")])
def test_nothing_is_taken_in_its_place(name, digest):
    assert CATALOG.find(name, digest) is None


def test_the_hash_counts_more_than_the_name():
    assert CATALOG.find("first", "abcdefabcd") == SECOND


def test_a_file_of_the_same_name_with_other_contents_is_told_apart():
    assert differs(FIRST, "ffffffffff")
    assert not differs(FIRST, "0123456789")
    assert not differs(FIRST, "11112222"), "the hash of A1111's first versions"
    assert not differs(FIRST, "")
    assert not differs(Checkpoint("new", "new.safetensors"), "ffffffffff"), "not hashed yet"
