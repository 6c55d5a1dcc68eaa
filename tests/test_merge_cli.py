"""`sdui merge` makes a checkpoint of others, and says in words why it cannot."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdui import commands
from sdui.merge import main

ROOT = Path(__file__).parent.parent
NAME = "model.diffusion_model.out.2.bias"


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "models/Stable-diffusion"
    folder.mkdir(parents=True)
    for number, name in enumerate("abc"):
        save_file({NAME: torch.full((2,), float(number))}, folder / f"{name}.safetensors")
    return tmp_path


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "webui.py", "merge", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_command_line(data):
    folder = data / "models/Stable-diffusion"
    outside = str((folder / "c.safetensors").rename(data / "elsewhere.safetensors"))
    options = ["--multiplier", "0.5", "--method", "Add difference", "--output", "new", "--data-dir", str(data)]
    done = command("a", "b", "--tertiary", outside, *options)
    made = folder / "new.safetensors"
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{made}\nSHA-256: {hashlib.sha256(made.read_bytes()).hexdigest()}\n"
    assert "Merging into new.safetensors: 100 %" in done.stderr
    assert load_file(made)[NAME].tolist() == [-0.5, -0.5]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a"], "Secondary model (B): choose a checkpoint; Weighted sum needs one."),
        (["a", "none"], "Secondary model (B): there is no 'none' in"),
        (["a", "b", "--output", "c"], "c.safetensors exists already."),
        (["a", "b", "--multiplier", "x"], "a number is needed, not 'x'."),
    ],
)
def test_what_is_wrong_is_said(data, capsys, arguments, sentence):
    assert main([*arguments, "--data-dir", str(data)], {}) == 1
    assert sentence in capsys.readouterr().err


def test_flags_are_read(data, capsys):
    options = ["--half", "--no-save-metadata", "--format", "ckpt", "--overwrite", "--output", "x"]
    assert main(["a", "--method", "no interpolation", *options, "--data-dir", str(data)], {}) == 0
    path = Path(capsys.readouterr().out.splitlines()[0])
    assert torch.load(path)["state_dict"][NAME].dtype == torch.float16


def test_wrong_options_are_refused(data):
    for arguments in (["a", "b", "c", "d"], ["a", "--sharpness", "1"]):
        with pytest.raises(SystemExit) as caught:
            main([*arguments, "--data-dir", str(data)], {})
        assert caught.value.code == 2


def test_options_of_the_server_do_not_disturb(data, capsys):
    environment = {"COMMANDLINE_ARGS": f"--data-dir '{data}' --xformers"}
    assert main(["a", "b", "--output", "y"], environment) == 0
    assert (data / "models/Stable-diffusion/y.safetensors").exists()


def test_the_installed_program_knows_its_commands(data, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sdui", "merge", "a", "b", "--output", "z", "--data-dir", str(data)])
    with pytest.raises(SystemExit) as caught:
        commands.console()
    assert caught.value.code == 0 and "z.safetensors" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["sdui", "serve"])
    with pytest.raises(SystemExit, match=r"usage: sdui \{generate,verify,merge\}"):
        commands.console()
