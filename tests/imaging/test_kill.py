"""A server killed at any moment leaves whole pictures only."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sdui.core import infotext
from sdui.core.settings import Preferences
from sdui.imaging.file_formats import read_infotext
from sdui.imaging.store import OutputStore

FLAT = Preferences(save_to_dirs=False)

SAVING = """
import os, random, resource, signal, sys, time
from pathlib import Path
import numpy as np
from PIL import Image
from sdui.core.events import GeneratedImage
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.imaging.store import OutputStore
Image.init()
pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)

def save_until_killed():
    store = OutputStore(Path(sys.argv[1]))
    while True:
        request = GenerationRequest(prompt="a cat", seed=random.SystemRandom().randrange(10**9))
        store.save(GeneratedImage(pixels, request), Preferences(save_to_dirs=False))
"""

KILL_FIFTY_TIMES = """
for _ in range(50):
    child = os.fork()
    if not child:
        save_until_killed()
    time.sleep(random.uniform(0, 0.06))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status
"""

# The kernel ends a process that writes beyond its limit: always in the middle of a picture.
KILL_WHILE_WRITING = """
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
save_until_killed()
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork; Windows has no kill -9")


def test_a_kill_in_the_middle_of_writing_leaves_no_visible_file(tmp_path, make_image):
    ended = subprocess.run([sys.executable, "-c", SAVING + KILL_WHILE_WRITING, str(tmp_path)], timeout=60)
    assert ended.returncode == -signal.SIGXFSZ
    folder = tmp_path / "outputs/txt2img-images"
    (half,) = folder.glob(".*.tmp")
    assert half.stat().st_size == 20_000
    assert not [path for path in folder.iterdir() if not path.name.startswith(".")]
    os.utime(half, (0, 0))
    saved, _ = OutputStore(tmp_path).save(make_image(), FLAT)
    assert Path(saved.path).name == "00001-7.png"
    assert not half.exists()


def test_fifty_kills_leave_whole_pictures_and_a_folder_that_goes_on(tmp_path, make_image):
    subprocess.run([sys.executable, "-c", SAVING + KILL_FIFTY_TIMES, str(tmp_path)], check=True, timeout=60)
    folder = tmp_path / "outputs/txt2img-images"
    pictures = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    assert len(pictures) >= 5
    for path in pictures:
        number, seed = re.fullmatch(r"(\d{5})-(\d+)\.png", path.name).groups()
        # Reads every pixel, so half a file would be refused.
        request = infotext.read(read_infotext(path.read_bytes()))
        assert (request.prompt, request.seed) == ("a cat", int(seed))
    store = OutputStore(tmp_path)
    saved, warning = store.save(make_image(), FLAT)
    assert warning == ""
    assert int(Path(saved.path).name[:5]) > int(number)
