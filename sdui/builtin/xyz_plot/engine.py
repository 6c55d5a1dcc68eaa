"""Draws the plot: one request for each cell, the slowest changes in the outermost loop, then the grids."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from sdui.core import infotext, old_files
from sdui.core.errors import Interrupted, RequestError, SduiError
from sdui.core.events import Cell, GeneratedImage
from sdui.core.groups import Kind, having, values_of, without
from sdui.core.request import GenerationRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.hooks import hook
from sdui.imaging.grid import grid, rows_for

from . import sheets
from .axes import NOTHING, SEEDS, Axis, Value, axis_named
from .kept import KeptCells
from .params import XyzPlot
from .values import joined, parsed, split

Place = tuple[int, int, int]
"""Of a cell along X, Y and Z, from 0."""
_MOST_CELLS = 10_000
_HUGE = 200
"""Megapixels of a grid."""


@hook
def run_request(request: GenerationRequest, drawing: Drawing) -> bool | None:
    values = values_of(request, XyzPlot)
    if values is None:
        return None
    Plot(request, values, drawing).run()
    return True


@dataclass(frozen=True, slots=True)
class Line:
    """One of the three axes and its values."""

    name: str
    """X, Y or Z."""
    axis: Axis
    values: list[Value]
    vary_seeds: bool
    written: str
    """The values as they were given."""

    def facts(self, fixed: bool) -> dict[str, str]:
        """What a grid's text says of it; fixed: random seeds were taken beforehand."""
        if self.axis.label == NOTHING:
            return {}
        pairs = {f"{self.name} Type": self.axis.label, f"{self.name} Values": self.written}
        if fixed and self.axis.label in SEEDS:
            pairs[f"Fixed {self.name} Values"] = ", ".join(map(str, self.values))
        return pairs


class Plot:
    def __init__(self, request: GenerationRequest, values: XyzPlot, drawing: Drawing) -> None:
        self._values, self._drawing = values, drawing
        self._kind: Kind = "img2img" if request.init else "txt2img"
        self._kept = KeptCells(drawing.cache / "plots", request)
        self._base = self._with_fixed_seeds(without(request, XyzPlot))
        self._lines = [self._line(name) for name in ("x", "y", "z")]
        self._useless: set[str] = set()
        """Axes of stages that are off."""
        self._requests = self._checked()
        self._made: dict[Place, GeneratedImage] = {}
        self._told: set[str] = set()
        self._failure: SduiError | None = None

    def run(self) -> None:
        """Raises Interrupted after the grid of what was made; a failure only when no cell could be drawn."""
        self._warn()
        there = [place for place in self._requests if self._kept.has(place)]
        if there:
            self._tell(f"X/Y/Z plot: {len(there)} of {len(self._requests)} pictures were there from the last time.")
        self._drawing.plan(len(self._requests) - len(there))
        stopped = False
        try:
            for place in self._order():
                self._draw(place)
        except Interrupted:
            stopped = True
        if not self._made:
            raise Interrupted if stopped else self._failure or RequestError("X/Y/Z plot: no picture could be drawn.")
        self._show_grids()
        if stopped:
            raise Interrupted
        if len(self._made) == len(self._requests):
            self._kept.remove()

    def _line(self, name: str) -> Line:
        get = {field: getattr(self._values, f"{name}_{field}") for field in ("type", "values", "values_dropdown")}
        axis = axis_named(get["type"], self._drawing.groups, self._kind)
        vary: bool = getattr(self._values, f"vary_seeds_{name}")
        if axis.label == NOTHING:
            return Line(name.upper(), axis, [0], vary, "")
        chosen = axis.choices and not self._values.csv_mode and get["values_dropdown"]
        written = joined(get["values_dropdown"]) if chosen else get["values"]
        values = parsed(axis, get["values_dropdown"] if chosen else split(written))
        if not values:
            raise RequestError(f"{name.upper()} values: there are none for {axis.label}.")
        if axis.label in SEEDS and not self._values.no_fixed_seeds:
            values = [self._kept.seed(f"{name}{index}") if value == -1 else value for index, value in enumerate(values)]
        return Line(name.upper(), axis, values, vary, written)

    def _with_fixed_seeds(self, request: GenerationRequest) -> GenerationRequest:
        if self._values.no_fixed_seeds:
            return request
        seeds = {name: self._kept.seed(name) for name in ("seed", "subseed") if getattr(request, name) == -1}
        return request.model_copy(update=seeds)

    def _checked(self) -> dict[Place, GenerationRequest]:
        """The request of each cell, row by row. Raises RequestError, before anything is drawn."""
        count = math.prod(len(line.values) for line in self._lines)
        if count > _MOST_CELLS:
            raise RequestError(f"X/Y/Z plot: {count} pictures are too many, at most {_MOST_CELLS}.")
        for line in self._lines:
            for value in line.values:
                self._require_known(line.axis, value)
        places = product(*(range(len(line.values)) for line in reversed(self._lines)))
        return {(x, y, z): self._cell_request((x, y, z)) for z, y, x in places}

    def _require_known(self, axis: Axis, value: Value) -> None:
        """Raises RequestError for what is not in the axis's list."""
        known, text = self._known(axis), str(value)
        if axis.choices == "samplers":
            text = old_files.names(text, "", old=False).sampler
        if known and not any(_means(text, one) for one in known):
            raise RequestError(f"{axis.label}: there is no {value!r}; known are {', '.join(known)}.")

    def _known(self, axis: Axis) -> tuple[str, ...]:
        if isinstance(axis.choices, tuple) or not axis.choices:
            return tuple(axis.choices)
        known = self._drawing.catalog().names(axis.choices)
        return (*known, "None", "") if axis.choices == "checkpoints" else known

    def _cell_request(self, place: Place) -> GenerationRequest:
        request, step, shift = self._base, 1, 0
        for line, index in zip(self._lines, place, strict=True):
            made = line.axis.applied(request, line.values[index], line.values)
            if made is None:
                self._useless.add(line.axis.label)
            request = made or request
            if line.vary_seeds:
                shift += index * step
                step *= len(line.values)
        return request if request.seed == -1 else request.model_copy(update={"seed": request.seed + shift})

    def _order(self) -> Iterator[Place]:
        """Cells so that what takes longest changes most rarely; where all is cheap, grid by grid and row by row."""
        costs = [line.axis.cost for line in self._lines]
        outer_first = sorted((2, 1, 0), key=lambda axis: -costs[axis])
        for indexes in product(*(range(len(self._lines[axis].values)) for axis in outer_first)):
            at = dict(zip(outer_first, indexes, strict=True))
            yield at[0], at[1], at[2]

    def _draw(self, place: Place) -> None:
        if held := self._kept.cell(place, self._drawing.groups):
            self._made[place] = held
            if self._values.include_lone_images:
                self._drawing.show(held)
            return
        request, finished = self._requests[place], list[GeneratedImage]()

        def on_image(image: GeneratedImage) -> None:
            self._drawing.show(replace(image, shown=self._values.include_lone_images))
            if image.kind == "image":
                finished.append(image)

        try:
            self._drawing.draw(request, on_image)
        except SduiError as error:
            self._failure = error
            self._tell(f"X/Y/Z plot: {self._words(place)} is left empty. {error}")
        finally:
            # Also when it was stopped after its last picture.
            if len(finished) == request.batch_count * request.batch_size:
                self._made[place] = _as_one(finished, self._drawing)
                self._kept.add(place, self._made[place])

    def _show_grids(self) -> None:
        """The whole one first; those of each Z value where they are wanted and there are several."""
        x, y, z = self._lines
        legends = [[line.axis.legend(value) for value in line.values] for line in self._lines]
        cells = sheets.Cells(self._made, (len(x.values), len(y.values), len(z.values)))
        drawn = [
            sheets.plane(cells, index, legends, self._values.draw_legend, self._values.margin_size)
            for index in range(len(z.values))
        ]
        whole = sheets.side_by_side(drawn, legends[2] if self._values.draw_legend else [])
        self._show_grid(whole, (0, 0, 0), self._lines)
        if self._values.include_sub_grids:
            for index, plane in enumerate(drawn):
                self._show_grid(plane, (0, 0, index), self._lines[:2], kept=len(z.values) > 1)

    def _show_grid(self, sheet: sheets.Drawn, first: Place, lines: list[Line], *, kept: bool = True) -> None:
        cells = [
            Cell(*box, infotext.write(self._made[place].request, self._made[place].facts))
            for place, box in sheet.boxes.items()
            if place in self._made
        ]
        model = self._made.get(first) or next(iter(self._made.values()))
        values = self._values if len(lines) == len(self._lines) else self._values.model_copy(update=_NO_Z)
        facts = {key: text for line in lines for key, text in line.facts(not self._values.no_fixed_seeds).items()}
        facts |= model.facts
        image = GeneratedImage(
            sheet.pixels,
            having(model.request, values),
            facts,
            "grid",
            cells=tuple(cells),
            kept=kept,
            basename="xyz_grid",
        )
        self._drawing.show(image)

    def _warn(self) -> None:
        if self._useless:
            self._tell(f"X/Y/Z plot: {', '.join(sorted(self._useless))} changes nothing, as it is switched off.")
        count = len(self._requests)
        pixels = sum(request.width * request.height for request in self._requests.values())
        if pixels > _HUGE * 1e6:
            self._tell(
                f"X/Y/Z plot: {count} pictures, and a grid of about {pixels / 1e6:.0f} megapixels, which takes "
                f"{pixels * 3 / 2**30:.1f} GB of memory. "
                "Interrupt keeps what is done, and the same plot goes on from there."
            )

    def _words(self, place: Place) -> str:
        named = [line.axis.legend(line.values[index]) for line, index in zip(self._lines, place, strict=True)]
        return ", ".join(filter(None, named)) or "the picture"

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._drawing.tell(text)


_NO_Z = {"z_type": NOTHING, "z_values": "", "z_values_dropdown": ()}


def _means(given: str, name: str) -> bool:
    """Samplers may have a schedule behind them and checkpoints are found by a part of their name."""
    given, name = given.casefold(), name.casefold()
    return given == name or (bool(given) and given in name) or given.startswith(f"{name} ")


def _as_one(images: list[GeneratedImage], drawing: Drawing) -> GeneratedImage:
    """A cell's batch as one picture, as A1111 has it."""
    if len(images) == 1:
        return images[0]
    rows = rows_for(len(images), drawing.context.preferences.n_rows, images[0].request.batch_size)
    return replace(images[0], pixels=grid([image.pixels for image in images], rows))
