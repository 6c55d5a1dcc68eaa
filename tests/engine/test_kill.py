"""A server killed while it draws leaves whole pictures only, and starts again on the same folders."""

import os
import subprocess
import sys

import pytest
from PIL import Image

from sdui.core import infotext
from sdui.imaging.file_formats import read_infotext
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.servers import ROOT, serving

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork; Windows has no kill -9")

# One process imports everything and loads the checkpoint; its ten children draw and are killed.
DRAW_AND_KILL_TEN_TIMES = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from sdui.core.events import ImageReady, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.imaging.store import OutputStore
from tests.support.running import draw, make_engine

torch.set_num_threads(1)
data = Path(sys.argv[1])
engine = make_engine([data / "models" / "Stable-diffusion"], data)
request = GenerationRequest(prompt="a cat", steps=3, width=64, height=64, batch_count=1000)
for _ in range(2):  # the first one loads the checkpoint
    begun = time.monotonic()
    draw(engine, request.model_copy(update={"batch_count": 1}))
a_picture = time.monotonic() - begun

def draw_until_killed():
    store, preferences = OutputStore(data), Preferences()
    def emit(event):
        if isinstance(event, ImageReady):
            store.save(event.image, preferences)
    seed = random.SystemRandom().randrange(10**9)
    engine.run(request.model_copy(update={"seed": seed}), preferences, emit, StopToken())

def pictures():
    return len(list((data / "outputs").rglob("*.png")))

for kill in range(10):
    before = pictures()
    child = os.fork()
    if not child:
        draw_until_killed()
    while kill % 2 == 0 and pictures() == before:  # some get as far as that however busy the machine is
        time.sleep(0.01)
    time.sleep(random.uniform(0.02, max(0.3, min(2 * a_picture, 2))))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status
"""


def test_ten_kills_while_drawing(tmp_path):
    write_tiny_checkpoint(tmp_path / "models" / "Stable-diffusion")
    command = [sys.executable, "-c", DRAW_AND_KILL_TEN_TIMES, str(tmp_path)]
    subprocess.run(command, check=True, timeout=200, cwd=ROOT)
    pictures = sorted((tmp_path / "outputs" / "txt2img-images").rglob("*.png"))
    assert len(pictures) >= 5
    for path in pictures:
        with Image.open(path) as opened:
            opened.load()
        assert infotext.read(read_infotext(path.read_bytes())).prompt == "a cat"
    numbers = [path.name.split("-")[0] for path in pictures]
    assert len(set(numbers)) == len(numbers)
    with serving(tmp_path, "--skip-load-model-at-start"):
        pass
