"""Training is refused in words, not with an error."""

import pytest


@pytest.mark.parametrize("route", ["create/embedding", "create/hypernetwork", "train/embedding", "train/hypernetwork"])
def test_training_is_refused(interface, route):
    answer = interface.client.post(f"/sdapi/v1/{route}", json={"name": "x"})
    assert answer.status_code == 422 and "Training is not part of sdui yet" in answer.json()["errors"]
    assert interface.worker.tasks == []
