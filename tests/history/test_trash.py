"""The system's trash takes a file and gives it back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sdui.core.errors import OutputError
from sdui.history.trash import to_trash


@pytest.mark.skipif(sys.platform != "linux", reason="the trash of freedesktop.org")
def test_the_file_lies_in_the_trash_with_where_it_was(tmp_path):
    home = tmp_path / "home"
    (home / "share").mkdir(parents=True)
    picture = home / "pictures" / "a b.png"
    picture.parent.mkdir()
    picture.write_bytes(b"picture")
    code = "import sys; from pathlib import Path; from sdui.history.trash import to_trash; to_trash(Path(sys.argv[1]))"
    environment = os.environ | {"HOME": str(home), "XDG_DATA_HOME": str(home / "share")}
    subprocess.run([sys.executable, "-c", code, picture], check=True, env=environment)
    assert not picture.exists()
    trash = home / "share" / "Trash"
    assert (trash / "files" / "a b.png").read_bytes() == b"picture"
    assert "pictures/a%20b.png" in (trash / "info" / "a b.png.trashinfo").read_text()


def test_what_cannot_be_thrown_away_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"gone\.png could not be moved to the trash"):
        to_trash(tmp_path / "gone.png")
