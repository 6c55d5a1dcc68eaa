"""Parameters of requests that are settings as well."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sdui.core import standing
from sdui.core.request import GenerationRequest
from sdui.core.settings import SettingsFile
from sdui.core.stages import Hires

MODEL = standing.preferences(GenerationRequest)


def test_a_config_of_a1111_gives_its_options_to_every_request(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"CLIP_stop_at_last_layers": 2, "sd_vae": "nice.pt", "s_churn": 3, "sd_unet": "None"}))
    settings = SettingsFile(path, MODEL)
    request = standing.applied(GenerationRequest(), settings.current, ())
    assert (request.clip_skip, request.vae, request.sampling.s_churn) == (2, "nice.pt", 3)
    settings.change(s_churn=0)
    assert json.loads(path.read_text()) | {"sd_unet": "None", "sd_vae": "nice.pt", "s_churn": 0} == json.loads(
        path.read_text()
    )


def test_what_the_page_shows_is_not_changed():
    request = standing.applied(GenerationRequest(clip_skip=1), MODEL(CLIP_stop_at_last_layers=2), {"clip_skip"})
    assert request.clip_skip == 1


@given(on=st.booleans(), ratio=st.sampled_from([0.0, 0.3]))
def test_a_stage_that_is_off_stays_off(on, ratio):
    request = GenerationRequest(hires=Hires() if on else None)
    found = standing.applied(request, MODEL(token_merging_ratio_hr=ratio), ())
    assert found.hires == (Hires(token_merging_ratio=ratio) if on else None)
    assert found.model_fields_set == {"hires"}, "what was left unsaid stays unsaid"
