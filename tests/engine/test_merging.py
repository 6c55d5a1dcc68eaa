"""A merge is a task like a picture, and what it makes is a checkpoint like any other."""

from __future__ import annotations

import shutil
from contextlib import closing

import numpy as np
import pytest

from sdui.core.errors import ModelNotFound
from sdui.core.events import Finished
from sdui.core.merging import NO_INTERPOLATION, MergeRequest
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.jobs.local import LocalWorker
from sdui.jobs.queue import JobQueue
from tests.support.checkpoints import BUNDLED
from tests.support.running import draw, make_engine


def test_a_queued_merge_makes_a_checkpoint_that_draws(tmp_path):
    source = next(BUNDLED.glob("*.safetensors"))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    shutil.copy(source, folder)
    engine = make_engine([folder], tmp_path)
    request = MergeRequest(primary=source.stem, method=NO_INTERPOLATION, output="copy")
    with closing(JobQueue([LocalWorker(lambda: engine)], lambda image, preferences: None)) as jobs:
        job = jobs.submit(request, Preferences())
        assert isinstance(list(job.events())[-1], Finished)
        assert job.view().model.path == str(folder / "copy.safetensors")
        assert "sd_merge_recipe" in jobs.metadata("copy")
        with pytest.raises(ModelNotFound):
            jobs.metadata("nothing")
        assert "copy" in [checkpoint.name for checkpoint in jobs.catalog().checkpoints]
    task = GenerationRequest(prompt="a red apple", seed=1, steps=2, width=64, height=64, model=source.stem)
    first, second = (draw(engine, task.model_copy(update={"model": name}))[0] for name in (source.stem, "copy"))
    assert np.array_equal(first.pixels, second.pixels)
