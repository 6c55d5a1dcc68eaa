"""Training that was stopped comes to what it would have come to."""

import pytest
import torch
from torch import nn

from sdui.demo import training
from sdui.demo.training import Trainee


@pytest.fixture(autouse=True)
def saves_often(monkeypatch):
    monkeypatch.setattr(training, "_SAVE_EVERY", 10)


def trainee(file):
    torch.manual_seed(0)
    return Trainee(nn.Linear(3, 1), file, rate=0.05)


def loss_of(network):
    def loss(step):
        given = torch.randn(8, 3)
        return (network(given) - given.sum(1, keepdim=True)).square().mean()

    return loss


def test_it_learns(tmp_path):
    one = trainee(tmp_path / "a.pt")
    loss = loss_of(one.network)
    before = loss(0).item()
    one.learn(200, loss)
    assert loss(0).item() < before / 20


def test_a_stop_changes_nothing(tmp_path):
    through = trainee(tmp_path / "through.pt")
    through.learn(40, loss_of(through.network))

    stopped = trainee(tmp_path / "stopped.pt")
    loss = loss_of(stopped.network)

    def until_25(step):
        if step == 25:
            raise KeyboardInterrupt
        return loss(step)

    with pytest.raises(KeyboardInterrupt):
        stopped.learn(40, until_25)
    again = trainee(tmp_path / "stopped.pt")
    assert again.step == 20
    again.learn(40, loss_of(again.network))
    assert torch.allclose(again.network.weight, through.network.weight)
    assert torch.allclose(again.averaged()["weight"], through.averaged()["weight"])


def test_the_checkpoints_are_told_of(tmp_path):
    one, told = trainee(tmp_path / "a.pt"), []
    one.learn(25, loss_of(one.network), lambda: told.append(one.step))
    assert told == [10, 20, 25]


def test_what_is_learned_already_is_not_learned_again(tmp_path):
    one = trainee(tmp_path / "a.pt")
    one.learn(10, loss_of(one.network))
    again = trainee(tmp_path / "a.pt")
    again.learn(10, lambda step: pytest.fail("it learned"))
