"""Whatever our own OpenAPI document allows or forbids: no answer of 500 and above, and none that the document lacks."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sdui.core.events import Described, GeneratedImage, ImageReady, PictureReady
from sdui.core.extras import ExtrasRequest, InterrogateRequest, Picture
from sdui.core.request import BatchRequest, GenerationRequest
from tests.support.api import serving
from tests.support.fake_worker import FakeWorker

CASES = 2000
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Instant(FakeWorker):
    """One small picture whatever is asked for: sizes and counts that are valid can be enormous."""

    def run(self, task, preferences, emit, stop):
        match task:
            case GenerationRequest() | BatchRequest():
                request = task.request if isinstance(task, BatchRequest) else task
                emit(ImageReady(GeneratedImage(np.zeros((8, 8, 3), np.uint8), request)))
            case ExtrasRequest():
                emit(PictureReady(Picture(Image.new("RGB", (8, 8))), kept=False))
            case InterrogateRequest():
                emit(Described("a cat"))
            case _:
                pass


@pytest.mark.timeout(240)
def test_two_thousand_requests(tmp_path):
    tried = 0
    with serving(tmp_path, Instant()) as api:
        schema = schemathesis.openapi.from_dict(api.app.openapi())
        schema.app = api.app
        operations = [result.ok() for result in schema.get_all_operations()]
        varied = [one for one in operations if one.body or one.query or one.path_parameters]
        each = math.ceil(1.2 * CASES / len(varied))  # for some there are fewer
        for operation in operations:
            tried += _try(operation, GenerationMode.POSITIVE, math.ceil(each * 0.7))
            if operation in varied:
                tried += _try(operation, GenerationMode.NEGATIVE, math.ceil(each * 0.3))
    assert tried >= CASES, tried


def _try(operation, mode, examples):
    """How many requests were made."""
    count = 0

    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def answered(case):
        nonlocal count
        count += 1
        case.call_and_validate(checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # where every text is valid
        answered()
    return count
