"""`sdui generate`: pictures from the command line, and words about what is wrong with it."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from sdui.core.launch import Launch
from sdui.core.params import declared
from sdui.core.request import GenerationRequest
from sdui.generate import main
from sdui.generate.options import Options, read_options, read_start, spelled
from sdui.generate.remote import Remote
from sdui.generate.wishes import Wishes
from tests.support.api import listening, serving
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.fake_worker import FakeWorker
from tests.support.running import make_host

ROOT = Path(__file__).parent.parent
MODEL = make_host().request(GenerationRequest, "always", "script")


class Machine:
    """A data folder and a worker that draws discs."""

    def __init__(self, folder: Path, capsys) -> None:
        self.folder, self.worker, self._capsys = folder, FakeWorker(), capsys
        self.said = self.errors = ""

    def run(self, *arguments: str) -> int:
        code = main([*arguments, "--data-dir", str(self.folder)], {}, lambda launch, host: self.worker)
        self.said, self.errors = self._capsys.readouterr()
        return code

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self.said.splitlines()]

    def write(self, name: str, content: bytes) -> str:
        (self.folder / name).write_bytes(content)
        return str(self.folder / name)


@pytest.fixture
def machine(tmp_path, capsys):
    return Machine(tmp_path, capsys)


def opened(path: Path) -> tuple[tuple[int, int], str]:
    """Size and text."""
    with Image.open(path) as image:
        return image.size, image.info["parameters"]


def picture(size=(24, 16)) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(file, "PNG")
    return file.getvalue()


def test_defaults_are_those_of_compvis(machine):
    assert machine.run("a cat", "--W", "64", "--H", "32") == 0
    (task,) = machine.worker.tasks
    told = task.prompt, task.steps, task.sampler, task.cfg_scale, task.seed, task.batch_count, task.batch_size
    assert told == ("a cat", 50, "DDIM", 7.5, 42, 2, 3)
    assert [opened(path)[0] for path in machine.paths] == [(64, 32)] * 6
    assert all(path.is_relative_to(machine.folder / "outputs/txt2img-images") for path in machine.paths)
    assert "Seed: 42" in opened(machine.paths[0])[1]
    assert machine.errors.splitlines()[-1].startswith("sdui: picture 6 of 6")


@pytest.mark.parametrize(
    ("arguments", "path", "value"),
    [
        (["--ddim_steps", "7"], "steps", 7),
        (["--ddim-steps=7"], "steps", 7),
        (["--plms"], "sampler", "PLMS"),
        (["--dpm_solver"], "sampler", "DPM++ 2M"),
        (["--dpm_solver"], "schedule", "Uniform"),
        (["--sampler", "dpm++_2m_karras"], "schedule", "Karras"),
        (["--sampler", "euler_a", "--schedule", "Karras"], "sampler", "Euler a"),
        (["--scale", "3"], "cfg_scale", 3.0),
        (["--negative_prompt", "blurry"], "negative_prompt", "blurry"),
        (["--clip-skip", "2"], "clip_skip", 2),
        (["--hires.scale", "1.5"], "hires.scale", 1.5),
        (["--tiling"], "tiling", True),
        (["--styles", "a", "--styles", "b"], "styles", ("a", "b")),
        (["--extensions.detailer.most", "2"], "extensions.detailer.most", 2),
        (["--ckpt", "large"], "model", "large"),
    ],
)
def test_every_spelling_reaches_the_request(arguments, path, value):
    launch, rest = read_start(spelled(["a cat", *arguments]), {})
    wishes = Wishes(read_options(launch, rest, MODEL), MODEL)
    (of,) = [d for d in declared(MODEL) if d.path == path]
    assert of.of(wishes._base) == value


def test_precision_as_compvis_calls_it():
    assert read_start(spelled(["--precision", "full"]), {})[0].precision == "fp32"
    assert read_start(spelled(["--precision=autocast"]), {})[0].precision == "auto"


def test_no_parameter_has_the_name_of_a_start_option():
    """The start option would take it."""
    assert {d.path for d in declared(Launch)}.isdisjoint(d.path for d in declared(MODEL))


def test_without_a_size_it_is_the_checkpoints_own_and_that_is_said_once(machine):
    file = machine.write("prompts.txt", b"a\nb\n")
    assert machine.run("--from-file", file, "--n_iter", "1", "--n_samples", "1", "--steps", "1") == 0
    assert [(task.width, task.height) for task in machine.worker.tasks] == [(128, 128)] * 2
    assert machine.errors.count("demo draws best at 128x128, so width and height are those.") == 1
    machine.run("a", "--W", "64", "--n_iter", "1", "--n_samples", "1", "--steps", "1", "--ckpt", "large")
    task = machine.worker.tasks[-1]
    assert (task.width, task.height, task.model) == (64, 768, "large")


def test_a_file_of_prompts_and_options(machine):
    text = '﻿a red apple\r\n\r\n--prompt "a cat" --seed 5 --sampler_name euler_a --width 64\nzwölf Äpfel -- rot'
    file = machine.write("prompts.txt", text.encode())
    options = ["--n_iter", "1", "--n_samples", "1", "--steps", "2", "--negative-prompt", "dull"]
    assert machine.run("--from_file", file, *options) == 0
    told = [(t.prompt, t.seed, t.sampler, t.width, t.negative_prompt) for t in machine.worker.tasks]
    assert told == [
        ("a red apple", 42, "DDIM", 128, "dull"),
        ("a cat", 5, "Euler a", 64, "dull"),
        ("zwölf Äpfel -- rot", 42, "DDIM", 128, "dull"),
    ]


def test_a_terminal_shows_a_bar_instead_of_lines(machine, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    machine.worker.pace = 0.05
    assert machine.run("a", "--steps", "4", "--n_samples", "1") == 0
    assert "Sampling, picture 2 of 2" in terminal.getvalue() and "%|" in terminal.getvalue()
    assert "sdui: picture" not in terminal.getvalue() and len(machine.paths) == 2


def test_stdin(machine, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb\n")))
    assert machine.run("--from-file", "-", "--steps", "1", "--skip_grid") == 0
    assert [task.prompt for task in machine.worker.tasks] == ["a", "b"]


def test_a_failure_is_named_and_the_others_are_drawn(machine):
    file = machine.write("prompts.txt", b"first\nfail\n--speed 5\n--steps 5000\nlast\n")
    assert machine.run("--from-file", file, "--n_iter", "1", "--n_samples", "1", "--steps", "3") == 1
    assert len(machine.paths) == 2
    assert "sdui: line 2, 'fail': The network returned only NaN" in machine.errors
    assert "sdui: line 3, '--speed 5': there is no option --speed." in machine.errors
    assert "line 4, '--steps 5000': Sampling steps: '5000' is too large, at most 1000." in machine.errors


def test_a_folder_of_its_own_has_pictures_and_their_grid_side_by_side(machine, monkeypatch):
    monkeypatch.chdir(machine.folder)
    options = ["a", "--steps", "1", "--n_iter", "1", "--outdir"]
    (machine.folder / "config.json").write_text('{"grid_save": false, "samples_save": false}')
    real = FakeWorker.run

    def with_grid(self, task, preferences, emit, stop):
        assert preferences.grid_save and preferences.samples_save
        real(self, task, preferences, emit, stop)

    monkeypatch.setattr(FakeWorker, "run", with_grid)
    assert machine.run(*options, "here/it is") == 0
    assert {path.parent for path in machine.paths} == {machine.folder / "here/it is"}


def test_img2img_takes_the_pictures_size(machine):
    file, mask = machine.write("first.png", picture((72, 49))), machine.write("mask.png", picture())
    options = ["--init-img", file, "--mask", mask, "--strength", "0.4", "--init.inpaint.mask-blur", "2"]
    assert machine.run("a", *options, "--steps", "1") == 0
    (task,) = machine.worker.tasks
    told = task.width, task.height, task.init.denoising_strength, task.init.inpaint.mask_blur
    assert told == (72, 48, 0.4, 2)
    assert all("img2img" in str(path) for path in machine.paths)


def test_the_pages_settings_count_but_what_is_said_counts_more(machine):
    (machine.folder / "config.json").write_text('{"CLIP_stop_at_last_layers": 3, "sd_model_checkpoint": "large"}')
    machine.run("a", "--steps", "1", "--n_samples", "1")
    machine.run("a", "--steps", "1", "--n_samples", "1", "--clip_skip", "2", "--ckpt", "demo")
    first, second = machine.worker.tasks
    assert (first.clip_skip, first.model, first.height) == (3, "large", 768)
    assert (second.clip_skip, second.model, second.height) == (2, "demo", 128)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Say what to draw"),
        (["a", "--prompt", "b"], "one of them, not several"),
        (["--from-file", "missing.txt"], "--from-file: missing.txt cannot be read: No such file"),
        (["a", "--steps", "5000"], "--steps: '5000' is too large, at most 1000."),
        (["a", "--W", "wide"], "--width: a whole number is needed, not 'wide'."),
        (["a", "--strength", "0.5"], "--strength needs --init-img IMAGE."),
        (["a", "--init-img", "missing.png"], "--init-img: missing.png cannot be read"),
        (["a", "--init-img", "README.md"], "--init-img: this is no PNG"),
        (["a", "--outdir", "README.md/pictures"], "--outdir: the folder README.md/pictures cannot be used"),
        (["a", "--models-dir", "README.md"], "--models-dir"),
        (["a", "--precision", "half"], "Precision"),
        (["a", "--server", "ftp://host"], "--server: ftp://host is no address"),
        (["a", "--server", "http://host:port"], "--server: http://host:port is no address"),
        (["a", "--server", "host", "--api-auth", "me"], "--api-auth: a user and a password are needed"),
    ],
)
def test_what_is_wrong_is_said(machine, arguments, said):
    assert machine.run(*arguments) == 2
    assert said in machine.errors and "Traceback" not in machine.errors
    assert machine.worker.tasks == []


@pytest.mark.parametrize(("content", "said"), [(b"\xff\xfea", "is not UTF-8, at byte 0"), (b" \n", "no prompt in")])
def test_files_without_prompts(machine, content, said):
    assert machine.run("--from-file", machine.write("prompts.txt", content)) == 2
    assert said in machine.errors


def test_unknown_options_end_as_usual(machine):
    with pytest.raises(SystemExit, match="2"):
        machine.run("a", "--fast")


def test_a_picture_without_a_place_is_a_failure(machine):
    (machine.folder / "outputs").write_text("in the way")
    assert machine.run("a", "--steps", "1") == 1
    assert "sdui: 'a': The picture could not be saved in" in machine.errors
    assert machine.paths == []


def command(*arguments: str, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    return write_tiny_checkpoint(folder / "elsewhere"), folder


def test_the_real_engine_draws_from_the_path_of_a_checkpoint(tiny):
    file, data = tiny
    (data / "prompts.txt").write_text("a red circle\nblue\n")
    options = ["--ckpt", str(file), "--from-file", str(data / "prompts.txt"), "--data-dir", str(data)]
    options += ["--outdir", str(data / "out"), "--W", "64", "--H", "64", "--steps", "1", "--n_iter", "1"]
    with command("webui.py", "generate", *options, "--device", "cpu") as running:
        said, errors = running.communicate(timeout=100)
    assert running.returncode == 0, errors
    paths = [Path(line) for line in said.splitlines()]
    assert [path.name for path in paths[:4]] == ["00000-42.png", "00001-43.png", "00002-44.png", "grid-0000.png"]
    assert len(paths) == 8 and sorted((data / "out").glob("*.png")) == sorted(paths)
    assert "Model: tiny-sd15" in opened(paths[4])[1]
    assert [line.split(",")[0] for line in errors.splitlines()] == [f"sdui: picture {n} of 6" for n in range(1, 7)]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C is no signal there")
def test_ctrl_c_keeps_what_was_drawn(tmp_path):
    program = (
        "import os, signal, sys; from sdui.generate import main; from tests.support.fake_worker import FakeWorker\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where the tests run in the background
        "code = main(sys.argv[1:], {}, lambda launch, host: FakeWorker(pace=0.02)); sys.stdout.flush(); os._exit(code)"
    )
    options = ["a", "--steps", "20", "--n_iter", "100", "--n_samples", "1", "--data-dir", str(tmp_path)]
    with command("-c", program, *options) as running:
        first = running.stdout.readline().strip()
        running.send_signal(signal.SIGINT)
        said, errors = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in errors
    assert "sdui: stopped. What was drawn is where it was saved." in errors
    assert Path(first).exists() and len(list(tmp_path.rglob("*.png"))) == 1 + len(said.splitlines())


def test_help_is_quick_and_imports_nothing_heavy():
    with command("-X", "importtime", "webui.py", "generate", "--help") as running:
        said, errors = running.communicate(timeout=60)
    imported = {line.split("|")[-1].strip().split(".")[0] for line in errors.splitlines()}
    assert running.returncode == 0
    assert "--ddim-steps" in said and "--hires.scale" in said and "--extensions.detailer.most" in said
    assert imported.isdisjoint({"torch", "gradio", "diffusers", "transformers", "fastapi", "numpy", "PIL", "httpx"})


class Elsewhere:
    """A server with A1111's interface, in place of the network."""

    def __init__(self, folder: Path, **values) -> None:
        self.asked: list[tuple[str, dict]] = []
        self.auth = ""
        self.pace = 0.0
        self.status, self.answer = 200, None
        options = Options(Launch(data_dir=folder), values, (), folder / "out", server="http://me:s%20t@host/sd")
        self.remote = Remote(options, MODEL, httpx.MockTransport(self._respond))
        self.wishes = Wishes(options, MODEL)

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.auth = request.headers.get("authorization", "")
        if request.url.path.endswith("/progress"):
            return httpx.Response(200, json={"progress": 0.5, "eta_relative": 1.0, "state": {}})
        body = json.loads(request.content)
        self.asked.append((request.url.path, body))
        time.sleep(self.pace)
        if self.status != 200 or self.answer:
            return httpx.Response(self.status, json=self.answer)
        count = body["n_iter"] * body["batch_size"]
        texts = [f"{body['prompt']}\nSteps: 1, Seed: {body['seed'] + place}, Size: 24x16" for place in range(count)]
        info = {"infotexts": [texts[0], *texts], "index_of_first_image": 1}
        images = [base64.b64encode(picture()).decode()] * (count + 1)
        return httpx.Response(200, json={"images": images, "parameters": {}, "info": json.dumps(info)})

    def draw(self):
        events = []
        from sdui.generate.options import Line

        self.remote.draw(self.wishes.wish(Line("a cat"), self.remote, events.append), events.append)
        return events


def test_a_server_is_told_what_was_said_and_nothing_else(tmp_path):
    init = {"init.image": picture(), "init.denoising_strength": "0.4", "init.resize_mode": "Resize and fill"}
    server = Elsewhere(tmp_path, steps="1", clip_skip="2", model="demo", batch_count="1", **init)
    events = server.draw()
    ((path, body),) = server.asked
    assert path == "/sd/sdapi/v1/img2img"
    assert server.auth == "Basic " + base64.b64encode(b"me:s t").decode()
    assert base64.b64decode(body.pop("init_images")[0]) == picture()
    assert body == {
        "prompt": "a cat",
        "steps": 1,
        "sampler_name": "DDIM",
        "scheduler": "Automatic",
        "cfg_scale": 7.5,
        "seed": 42,
        "width": 24,
        "height": 16,
        "batch_size": 3,
        "n_iter": 1,
        "denoising_strength": 0.4,
        "resize_mode": 2,
        "override_settings": {"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "demo"},
    }
    names = [Path(event.path).name for event in events]
    assert names == ["00000-42.png", "00001-43.png", "00002-44.png", "grid-0000.png"]
    assert (tmp_path / "out" / names[0]).read_bytes() == picture(), "the file is the server's own"


def test_hires_and_extensions_over_http(tmp_path):
    server = Elsewhere(tmp_path, **{"hires.scale": "1.5", "extensions.detailer.most": "2", "batch_count": "1"})
    server.draw()
    ((path, body),) = server.asked
    assert path == "/sd/sdapi/v1/txt2img"
    assert (body["enable_hr"], body["hr_scale"], body["extensions"]["detailer"]["most"]) == (True, 1.5, 2)
    assert "width" not in body, "the server chooses the size"


def test_progress_is_asked_for_meanwhile(tmp_path):
    server = Elsewhere(tmp_path)
    server.pace = 0.8
    assert [event.done for event in server.draw() if hasattr(event, "done")][:1] == [0.5]


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (401, {"detail": "Not authenticated"}, "The server http://host/sd wants another user or password"),
        (404, {"detail": "Not Found"}, "has no /sdapi/v1"),
        (404, {"detail": "Checkpoint: there is no 'x'.", "errors": ""}, "Checkpoint: there is no 'x'."),
        (422, {"detail": [{"loc": ["body", "steps"], "msg": "too many"}]}, "steps: too many."),
        (422, {"errors": "Sampling method: there is no 'x'.", "detail": []}, "Sampling method: there is no 'x'."),
        (500, None, "The server answers 500"),
        (200, {"hello": 1}, "is no Stable Diffusion server"),
        (200, {"images": [], "info": "{"}, "is no Stable Diffusion server"),
        (200, {"images": []}, "The server sent 0 of 6 pictures"),
        (200, {"images": ["?"], "info": "{}"}, "The server's picture: this is not base64."),
    ],
)
def test_a_server_that_refuses_is_quoted(tmp_path, status, answer, said):
    from sdui.core.errors import SduiError

    server = Elsewhere(tmp_path)
    server.status, server.answer = status, answer
    with pytest.raises(SduiError, match=said.replace("?", r"\?")):
        server.draw()


def test_a_server_that_is_not_there(machine):
    file = machine.write("prompts.txt", b"a\nb\n")
    assert machine.run("--from-file", file, "--server", "http://u:secret@127.0.0.1:9") == 1
    assert machine.errors.startswith("sdui: The server http://127.0.0.1:9 cannot be reached: ")
    assert machine.errors.count("cannot be reached") == 1 and "secret" not in machine.errors


def test_a_running_server_draws(machine, tmp_path):
    """Over the network, with the server's account; one prompt is refused, the other is drawn."""
    worker, out = FakeWorker(), tmp_path / "out"
    launch = Launch(data_dir=tmp_path / "server", api_auth="me:s:t")
    with serving(launch.data_dir, worker, launch, guarded=True) as api, listening(api.app) as port:
        file = machine.write("prompts.txt", b"a cat\nfail\n")
        asked = ("--from-file", file, "--server", f"http://127.0.0.1:{port}", "--outdir", str(out), "--n_samples", "1")
        assert machine.run(*asked, "--H", "32", "--W", "64", "--api-auth", "me:wrong") == 1
        assert "wants another user or password" in machine.errors and list(out.iterdir()) == []
        assert machine.run(*asked, "--H", "32", "--W", "64", "--api-auth", "me:s:t") == 1
    assert [path.name for path in machine.paths] == ["00000-42.png", "00001-43.png", "grid-0000.png"]
    assert opened(machine.paths[0])[0] == (64, 32) and "Steps: 50, Sampler: DDIM" in opened(machine.paths[0])[1]
    assert "line 2, 'fail'" in machine.errors
    assert [task.seed for task in worker.tasks] == [42, 42]
