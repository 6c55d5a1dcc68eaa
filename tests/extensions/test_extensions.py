"""A user's extension: everything that it declares is there, and nothing of it once its folder is gone."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sdui import app
from sdui.core import infotext
from sdui.core.a1111_body import request_from
from sdui.core.errors import ExtensionError, Interrupted, RequestError
from sdui.core.events import ImageReady, StopToken
from sdui.core.groups import groups_of
from sdui.core.launch import Launch
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.extensions import hooks, loader
from sdui.extensions.host import Host
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import draw, make_engine, make_host

HERE = Path(__file__).parent
BODY = {"prompt": "a red circle", "seed": 3, "steps": 1, "width": 64, "height": 64, "sampler_name": "Euler a"}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    work = tmp_path_factory.mktemp("extensions")
    write_tiny_checkpoint(work / "checkpoints")
    return work


class Server:
    """As it is after a start with these extension folders."""

    def __init__(self, work, extensions):
        self.host = make_host(extensions)
        self.model = self.host.request(GenerationRequest, "always", "script")
        self.engine = make_engine([work / "checkpoints"], work, host=self.host)

    def asked(self, **values):
        return request_from(BODY | values, "txt2img", model=self.model).request

    def drawn(self, **values):
        return draw(self.engine, self.asked(**values))[0]


def test_it_adds_a_field_a_key_an_axis_and_a_change_and_leaves_no_trace(work, tmp_path):
    without = Server(work, tmp_path)
    plain = without.drawn()
    shutil.copytree(HERE / "glow", tmp_path / "glow")
    with_glow = Server(work, tmp_path)
    assert groups_of(with_glow.model).keys() - groups_of(without.model).keys() == {"glow"}

    glowing = with_glow.drawn(extensions={"glow": {"strength": 1}})
    by_place = with_glow.drawn(alwayson_scripts={"Glow": {"args": [1]}})
    assert glowing.pixels.mean() > plain.pixels.mean() + 10
    assert np.array_equal(glowing.pixels, by_place.pixels)
    assert np.array_equal(with_glow.drawn().pixels, plain.pixels)
    with pytest.raises(RequestError, match="Strength: 5 is too large, at most 1"):
        with_glow.asked(extensions={"glow": {"strength": 5}})

    text = infotext.write(glowing.request, glowing.facts)
    assert "Glow strength: 1" in text
    again = draw(with_glow.engine, infotext.read(text, with_glow.model))[0]
    assert np.array_equal(again.pixels, glowing.pixels)

    cells = plotted(with_glow, "[Glow] Strength", "0, 1")
    assert np.array_equal(cells[0].pixels, plain.pixels) and np.array_equal(cells[1].pixels, glowing.pixels)

    shutil.rmtree(tmp_path / "glow")
    gone = Server(work, tmp_path)
    assert groups_of(gone.model).keys() == groups_of(without.model).keys()
    assert np.array_equal(gone.drawn().pixels, plain.pixels)
    assert infotext.read(text, gone.model).others == {"Glow strength": "1"}
    with pytest.raises(RequestError, match="extensions: there is no 'glow'"):
        gone.asked(extensions={"glow": {}})
    with pytest.raises(RequestError, match=r"there is no axis '\[Glow\] Strength'"):
        plotted(gone, "[Glow] Strength", "0, 1")


def plotted(server, axis, values):
    plot = {"x_type": axis, "x_values": values, "csv_mode": True, "draw_legend": False, "include_lone_images": True}
    events = []
    asked = server.asked(extensions={"xyz_plot": plot})
    server.engine.run(asked, Preferences(grid_save=False), events.append, StopToken())
    return [event.image for event in events if isinstance(event, ImageReady) and event.image.kind == "image"]


FAULTS = {
    "unfinished": ("params.py", "def (", "params.py cannot be loaded: SyntaxError"),
    "lost": ("engine.py", "import not_there", "engine.py cannot be loaded: ModuleNotFoundError"),
    "misspelt": ("engine.py", "{0}\n@hook\ndef after_decoding(run): ...", "unknown hook 'after_decoding'"),
    "demanding": ("engine.py", "{0}\n@hook\ndef after_step(run, colour): ...", "colour"),
    "twice": ("params.py", "{1}", "two of them have parameters named 'glow'"),
    "manifest": ("extension.toml", "title = [", "extension.toml cannot be read"),
}
IMPORTS = "from sdui.extensions.hooks import hook"


@pytest.mark.parametrize("fault", FAULTS)
def test_one_that_cannot_be_loaded_is_named_and_the_others_work(tmp_path, fault):
    file, content, said = FAULTS[fault]
    shutil.copytree(HERE / "glow", tmp_path / "glow")
    (tmp_path / fault).mkdir()
    (tmp_path / fault / "extension.toml").write_text('title = "Faulty"')
    glow = (HERE / "glow/params.py").read_text()
    text = content.replace("{0}", IMPORTS).replace("{1}", glow)
    (tmp_path / fault / file).write_text(text)
    host = Host()
    problems = loader.add_all(host, loader.find(tmp_path), ["params", "engine"])
    assert len(problems) == 1 and fault in problems[0] and said in problems[0], problems
    assert [group.name for group in host.groups()] == ["glow"]


def test_the_server_starts_without_one_that_cannot_be_loaded(tmp_path):
    (tmp_path / "extensions/broken").mkdir(parents=True)
    (tmp_path / "extensions/broken/extension.toml").write_text("title = 'Broken'")
    (tmp_path / "extensions/broken/params.py").write_text("raise SystemError('no')")
    _, problems = app.build_host(Launch(data_dir=tmp_path))
    assert problems == ["Extension broken: params.py cannot be loaded: SystemError: no"]
    assert app.build_host(Launch(data_dir=tmp_path, disable_extra_extensions=True))[1] == []


def test_one_that_fails_at_work_fails_the_job_by_name_and_the_next_job_is_drawn(work, tmp_path):
    class Fails:
        @hooks.hook
        def after_decode(self, run):
            if run.request.seed == 13:
                raise ZeroDivisionError("unlucky")

    server = Server(work, tmp_path)
    server.host.add(Fails(), "unlucky")
    with pytest.raises(
        ExtensionError, match=r"Extension unlucky: it failed in after_decode.*ZeroDivisionError: unlucky"
    ):
        server.drawn(seed=13)
    assert server.drawn().pixels.any()


def test_what_is_changed_in_the_networks_is_undone_whatever_happens(work, tmp_path):
    state = []

    class Patches:
        @hooks.hook
        def patch_model(self, run, model):
            @contextmanager
            def doubled():
                bias = model.unet.conv_out.bias
                before = bias.data
                bias.data = before * 2 + 1
                try:
                    yield
                finally:
                    bias.data = before

            return doubled() if run.request.seed != 3 else None

        @hooks.hook
        def after_step(self, run):
            state.append(run.request.seed)
            if run.request.seed == 5:
                raise Interrupted
            if run.request.seed == 6:
                raise ValueError("in the middle")

    server = Server(work, tmp_path)
    plain = server.drawn()
    server.host.add(Patches(), "patches")
    changed = server.drawn(seed=4)
    assert not np.array_equal(changed.pixels, plain.pixels)
    server.engine.run(server.asked(seed=5), Preferences(), lambda event: None, StopToken())
    with pytest.raises(ExtensionError, match="patches"):
        server.drawn(seed=6)
    assert state == [4, 5, 6]
    assert np.array_equal(server.drawn().pixels, plain.pixels)


def test_hooks_are_called_in_the_order_in_which_the_file_has_them(work, tmp_path):
    called = []
    names = [name for name in vars(hooks) if hasattr(getattr(hooks, name), "sdui_spec")]

    class Listens: ...

    for name in names:

        def listen(self, name=name):
            called.append(name)

        setattr(Listens, name, hooks.hook(listen))
    server = Server(work, tmp_path)
    server.engine._host._plugins.register(Listens(), "listens")
    called.clear()
    server.drawn()
    first = list(dict.fromkeys(called))
    assert first == [name for name in names if name in first]
    assert {"change_request", "texts", "patch_model", "after_step", "after_decode", "after_image"} <= set(first)


def test_every_hook_is_in_the_guide_and_in_its_order():
    guide = (HERE.parents[1] / "docs/extensions.md").read_text(encoding="utf-8")
    table = guide[guide.index("| Hook |") :]
    told = [
        name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1] if "|" in row else "")
    ]
    assert told == [name for name in vars(hooks) if hasattr(getattr(hooks, name), "sdui_spec")]
