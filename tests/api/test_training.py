"""Training is refused in words, not with an error."""

import pytest


@pytest.mark.parametrize("route", ["create/embedding", "create/hypernetwork", "train/embedding", "train/hypernetwork"])
def test_training_is_refused(shared, route):
    answer = shared.client.post(f"/sdapi/v1/{route}", json={"name": "x"})
    assert answer.status_code == 422 and "Training is not part of sdui yet" in answer.json()["errors"]
    assert shared.worker.tasks == []
