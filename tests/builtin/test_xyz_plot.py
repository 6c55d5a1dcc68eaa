"""X/Y/Z plot: values, axes, grids, and going on after a crash."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdui.builtin.xyz_plot.axes import NOTHING, axes_of, axis_named
from sdui.builtin.xyz_plot.params import XyzPlot
from sdui.builtin.xyz_plot.values import joined, parsed, split
from sdui.core import infotext
from sdui.core.errors import Interrupted, RequestError
from sdui.core.events import ImageReady, Notice, Stop, StopToken
from sdui.core.groups import having, values_of
from sdui.core.params import flatten
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.core.stages import Hires, InitImage, Refiner
from tests.support.checkpoints import write_tiny_checkpoint
from tests.support.running import make_engine, make_host

ROOT = Path(__file__).parents[2]
REQUEST = make_host().request(GenerationRequest, "always", "script")
SMALL = {"prompt": "a red circle, blue, green", "negative_prompt": "red", "seed": 7, "steps": 1}
SMALL |= {"width": 64, "height": 64, "sampler": "Euler"}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    work = tmp_path_factory.mktemp("plots")
    write_tiny_checkpoint(work / "checkpoints")
    return work


@pytest.fixture(scope="module")
def engine(work):
    return make_engine([work / "checkpoints"], work)


def plot(base=None, **values):
    values = {"draw_legend": False, "csv_mode": True} | values
    return having(REQUEST(**SMALL | (base or {})), XyzPlot(**values))


def run(engine, request, stop=None, emit=None):
    """Grids, cells in the order in which they were drawn, and notices."""
    events = []

    def heard(event):
        events.append(event)
        if emit:
            emit(event)

    with contextlib.suppress(Interrupted):
        engine.run(request, Preferences(live_previews_enable=False), heard, stop or StopToken())
    images = [event.image for event in events if isinstance(event, ImageReady)]
    grids = [image for image in images if image.kind == "grid"]
    cells = [image for image in images if image.kind == "image"]
    return grids, cells, [event.text for event in events if isinstance(event, Notice)]


@pytest.mark.parametrize(
    ("label", "text", "expected"),
    [
        ("Steps", "1-5", [1, 2, 3, 4, 5]),
        ("Steps", "1-5 (+2)", [1, 3, 5]),
        ("Steps", "10-4 (-3)", [10, 7]),
        ("Steps", "1-10 [5]", [1, 3, 5, 7, 10]),
        ("Seed", "3, -1,-5--3", [3, -1, -5, -4, -3]),
        ("CFG Scale", "1-2 (+0.5)", [1.0, 1.5, 2.0]),
        ("CFG Scale", "3-6 [2], 7.5", [3.0, 6.0, 7.5]),
        ("Prompt S/R", 'a, "b, c"', ["a", "b, c"]),
        ("Prompt order", "a,b", [("a", "b"), ("b", "a")]),
    ],
)
def test_values_as_they_are_written(label, text, expected):
    assert parsed(axis_named(label, REQUEST, "txt2img"), split(text)) == expected


@pytest.mark.parametrize(
    ("label", "text"), [("Steps", "many"), ("CFG Scale", "nan"), ("Steps", "1-9999999"), ("Steps", "1.5")]
)
def test_a_wrong_value_is_named_with_its_axis(label, text):
    with pytest.raises(RequestError, match=f"{label}: '{text}'"):
        parsed(axis_named(label, REQUEST, "txt2img"), split(text))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip), min_size=1))
def test_a_list_is_written_and_read_again(words):
    assert split(joined(words)) == words or not any(words)


VALUES = {"int": 2, "float": 0.625, "str": "x", "permutations": ("blue", "red circle")}
STRINGS = {
    "Prompt S/R": "a yellow square",
    "Sampler": "DPM++ 2M Karras",
    "Hires sampler": "Euler a",
    "Schedule type": "Karras",
    "Hires upscaler": "Lanczos",
    "Size": "128x96",
    "RNG source": "CPU",
    "Always discard next-to-last sigma": "True",
    "SGM noise multiplier": "true",
}
SAME = {
    "txt2img": {NOTHING, "Face restore", "Initial noise multiplier"},
    "img2img": {NOTHING, "Face restore", "Token merging ratio high-res"},
}


@pytest.mark.parametrize("kind", ["txt2img", "img2img"])
def test_every_axis_changes_the_request(kind):
    base = {"refiner": Refiner(model="r")} | (
        {"hires": Hires()} if kind == "txt2img" else {"init": InitImage(image=b"")}
    )
    request = REQUEST(**SMALL | base)
    for axis in (axis for axis in axes_of(REQUEST) if kind in axis.kinds and axis.label not in SAME[kind]):
        value = STRINGS.get(axis.label, "True" if axis.choices == ("False", "True") else VALUES[axis.type])
        value = 16 if axis.label.startswith("[") and axis.type == "int" else value
        made = axis.applied(request, value, ["a red circle", value])
        assert made is not None, axis.label
        before, after = flatten(request), flatten(made)
        changed = {path for path in after if after[path] != before.get(path)}
        assert changed, axis.label
        assert axis.legend(value)


def test_a_value_out_of_range_is_refused_before_anything_is_drawn(engine):
    with pytest.raises(RequestError, match=r"Steps: .*0 is too small"):
        run(engine, plot(x_type="Steps", x_values="1,0"))
    with pytest.raises(RequestError, match="Prompt S/R: 'purple' is neither in the prompt"):
        run(engine, plot(x_type="Prompt S/R", x_values="purple,red"))
    with pytest.raises(RequestError, match="Sampler: there is no 'Fastest'"):
        run(engine, plot(x_type="Sampler", x_values="Euler,Fastest"))
    with pytest.raises(RequestError, match="X values: there are none for Steps"):
        run(engine, plot(x_type="Steps"))


def test_more_pictures_than_anybody_can_wait_for_are_refused_at_once(engine):
    wide = plot(x_type="Seed", x_values="1-1000", y_type="CFG Scale", y_values="1-1000")
    with pytest.raises(RequestError, match="1000000 pictures are too many, at most 10000"):
        run(engine, wide)
    with pytest.raises(RequestError, match="has more than 10000 values"):
        run(engine, plot(x_type="Seed", x_values="1-1000000000000"))


def test_a_sampler_may_be_called_as_elsewhere(engine):
    _, images, _ = run(engine, plot(x_type="Sampler", x_values="euler_a,heun_karras,k_dpm_2"))
    told = [(image.request.sampler, image.request.schedule) for image in images]
    assert told == [("Euler a", "Automatic"), ("Heun", "Karras"), ("DPM2", "Automatic")]


def test_cells_grids_and_their_texts(engine):
    values = {
        "x_type": "Seed",
        "x_values": "1,2,3",
        "y_type": "CFG Scale",
        "y_values": "2,9",
        "include_lone_images": True,
    }
    (grid,), cells, _ = run(engine, plot(**values))
    assert [(cell.request.seed, cell.request.cfg_scale) for cell in cells] == [
        (s, c) for c in (2, 9) for s in (1, 2, 3)
    ]
    assert grid.pixels.shape == (128, 192, 3) and len(grid.cells) == 6
    for place, cell in zip(grid.cells, cells, strict=True):
        part = grid.pixels[place.top : place.top + place.height, place.left : place.left + place.width]
        assert np.array_equal(part, cell.pixels)
        assert place.infotext == infotext.write(cell.request, cell.facts)
    again = infotext.read(infotext.write(grid.request, grid.facts), REQUEST)
    told = values_of(again, XyzPlot)
    assert told and (told.x_type, told.x_values, told.y_type, told.y_values) == ("Seed", "1,2,3", "CFG Scale", "2,9")
    assert all(values_of(cell.request, XyzPlot) is None for cell in cells)


def test_legends_and_margins_take_room_and_hide_no_cell(engine):
    values = {"x_type": "Seed", "x_values": "1,2", "y_type": "Steps", "y_values": "1,2", "draw_legend": True}
    (grid,), cells, _ = run(engine, plot(**values, margin_size=10, include_lone_images=True))
    height, width, _ = grid.pixels.shape
    assert width == 48 + 2 * 64 + 10 and height > 2 * 64 + 10
    for place, cell in zip(grid.cells, cells, strict=True):
        part = grid.pixels[place.top : place.top + 64, place.left : place.left + 64]
        assert np.array_equal(part, cell.pixels)
    assert (grid.pixels[: grid.cells[0].top, grid.cells[0].left :] < 128).any(), "the words above"


def test_a_plot_in_three_directions_has_a_grid_of_grids(engine):
    values = {"x_type": "Seed", "x_values": "1,2", "z_type": "Steps", "z_values": "1,2", "include_sub_grids": True}
    grids, cells, _ = run(engine, plot(**values))
    assert [grid.pixels.shape[:2] for grid in grids] == [(64, 256), (64, 128), (64, 128)]
    assert [cell.shown for cell in cells] == [False] * 4


def test_what_takes_longest_is_changed_most_rarely(engine):
    values = {"x_type": "Checkpoint name", "x_values": "tiny,tiny-sd15", "y_type": "Seed", "y_values": "1,2"}
    _, cells, _ = run(engine, plot(**values))
    assert [cell.request.seed for cell in cells] == [1, 2, 1, 2]


def test_seeds_are_fixed_unless_they_are_to_be_kept(engine):
    _, cells, _ = run(engine, plot({"seed": -1}, x_type="Steps", x_values="1,2"))
    assert len({cell.request.seed for cell in cells}) == 1
    _, cells, _ = run(engine, plot({"seed": -1}, x_type="Steps", x_values="1,2", no_fixed_seeds=True))
    assert len({cell.request.seed for cell in cells}) == 2


def test_a_cell_that_cannot_be_drawn_is_left_empty_and_named(engine, work):
    broken = work / "checkpoints/tiny-broken.safetensors"
    broken.write_bytes(b"broken")
    try:
        (grid,), cells, notices = run(
            engine, plot(x_type="Checkpoint name", x_values="tiny-broken,tiny-sd15", include_lone_images=True)
        )
    finally:
        broken.unlink()
    assert len(cells) == 1 and not grid.pixels[:, :64].any() and grid.pixels[:, 64:].any()
    assert any("tiny-broken is left empty" in notice for notice in notices)


def test_a_stopped_plot_shows_what_is_there_and_goes_on_from_there(engine, work):
    request, stop = plot({"seed": -1}, x_type="Steps", x_values="1,2,3,4"), StopToken()
    kept = set((work / "cache/plots").glob("*"))

    def after_two(event):
        if isinstance(event, ImageReady) and event.image.request.steps == 2:
            stop.request(Stop.NOW)

    (grid,), first, _ = run(engine, request, stop, after_two)
    assert [cell.request.steps for cell in first] == [1, 2]
    assert grid.pixels[:, :128].any() and not grid.pixels[:, 128:].any()
    (grid,), rest, notices = run(engine, request)
    assert [cell.request.steps for cell in rest] == [3, 4]
    assert rest[0].request.seed == first[0].request.seed
    assert np.array_equal(grid.pixels[:, :64], first[0].pixels)
    assert any("2 of 4 pictures were there" in notice for notice in notices)
    assert set((work / "cache/plots").iterdir()) == kept


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.builtin.test_xyz_plot import plot
from tests.support.running import make_engine
from sdui.core.events import ImageReady, StopToken
from sdui.core.settings import Preferences

def emit(event):
    if isinstance(event, ImageReady):
        print(event.image.request.steps, flush=True)

work = Path({work!r})
engine = make_engine([work / "checkpoints"], work)
engine.run(plot({{"seed": -1}}, x_type="Steps", x_values="1-12"), Preferences(), emit, StopToken())
"""


def test_a_killed_plot_makes_only_the_missing_cells(engine, work):
    script = textwrap.dedent(KILLED.format(root=str(ROOT), work=str(work)))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ)
    lines = [process.stdout.readline() for _ in range(4)]
    process.send_signal(signal.SIGKILL)
    made = len([line for line in [*lines, *process.stdout.read().splitlines()] if line.strip()])
    process.wait()
    process.stdout.close()
    assert made < 12
    (grid,), rest, _ = run(engine, plot({"seed": -1}, x_type="Steps", x_values="1-12"))
    # The last one may have been shown and not yet kept.
    assert 12 - made <= len(rest) <= 12 - made + 1
    assert len(grid.cells) == 12 and len({cell.request.seed for cell in rest}) == 1
