"""Whether a checkpoint is the one that a picture was drawn with."""

from __future__ import annotations

from sdui.core.catalog import Catalog, Checkpoint
from sdui.ui.checkpoints import differs

FIRST = Checkpoint("first", "first.safetensors [0123456789]", hashes=("0123456789" + 54 * "0", "11112222"))
SECOND = Checkpoint("second", "second.safetensors [abcdefabcd]", hashes=("abcdefabcd" + 54 * "0", "aaaabbbb", 64 * "c"))
CATALOG = Catalog((FIRST, SECOND))


def test_a_file_of_the_same_name_with_other_contents_is_told_apart():
    assert differs(FIRST, "ffffffffff")
    assert not differs(FIRST, "0123456789")
    assert not differs(FIRST, "11112222"), "the hash of A1111's first versions"
    assert not differs(FIRST, "")
    assert not differs(Checkpoint("new", "new.safetensors"), "ffffffffff"), "not hashed yet"
