"""What the plot is told; labels, element ids and defaults are A1111's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sdui.core.groups import Button, Every, Extended, Group, Kind, Look, Place
from sdui.core.params import Param
from sdui.extensions.hooks import hook

from .axes import NOTHING, axes_of
from .values import joined, split

_ARGUMENTS = """
    x_type x_values x_values_dropdown y_type y_values y_values_dropdown z_type z_values z_values_dropdown draw_legend
    include_lone_images include_sub_grids no_fixed_seeds vary_seeds_x vary_seeds_y vary_seeds_z margin_size csv_mode
"""
_VALUES = "Separated by commas; numbers also as 1-5, 1-5 (+2) or 1-10 [5]."
_PAIRS = (("x", "y"), ("y", "z"), ("x", "z"))
_FIELDS = ("type", "values", "values_dropdown")
_CHOSEN = "Used for axes with a list, unless text inputs are used."


class XyzPlot(Group):
    name: ClassVar[str] = "xyz_plot"
    title: ClassVar[str] = "X/Y/Z plot"
    place: ClassVar[Place] = "script"
    order: ClassVar[int] = 90
    argument_order: ClassVar[tuple[str, ...]] = tuple(_ARGUMENTS.split())
    watched: ClassVar[tuple[str, ...]] = ("x_type", "y_type", "z_type", "csv_mode")
    buttons: ClassVar[tuple[Button, ...]] = (
        *(Button(f"{one}{two}_grid_swap_axes_button", f"Swap {one.upper()}/{two.upper()} axes") for one, two in _PAIRS),
        *(Button(f"xyz_grid_fill_{axis}_tool_button", f"Fill {axis.upper()} values") for axis in "xyz"),
    )

    x_type: Annotated[str, Param("X type", choices="axes", infotext="X Type")] = "Seed"
    x_values: Annotated[str, Param("X values", _VALUES, infotext="X Values")] = ""
    x_values_dropdown: Annotated[tuple[str, ...], Param("X values", _CHOSEN, choices="axis_values")] = ()
    y_type: Annotated[str, Param("Y type", choices="axes", infotext="Y Type")] = NOTHING
    y_values: Annotated[str, Param("Y values", _VALUES, infotext="Y Values")] = ""
    y_values_dropdown: Annotated[tuple[str, ...], Param("Y values", _CHOSEN, choices="axis_values")] = ()
    z_type: Annotated[str, Param("Z type", choices="axes", infotext="Z Type")] = NOTHING
    z_values: Annotated[str, Param("Z values", _VALUES, infotext="Z Values")] = ""
    z_values_dropdown: Annotated[tuple[str, ...], Param("Z values", _CHOSEN, choices="axis_values")] = ()
    draw_legend: Annotated[bool, Param("Draw legend")] = True
    no_fixed_seeds: Annotated[
        bool, Param("Keep -1 for seeds", "Otherwise all pictures have one seed, taken at the beginning.")
    ] = False
    vary_seeds_x: Annotated[bool, Param("Vary seeds for X", "The seed counts up along X.")] = False
    vary_seeds_y: Annotated[bool, Param("Vary seeds for Y", "The seed counts up along Y.")] = False
    vary_seeds_z: Annotated[bool, Param("Vary seeds for Z", "The seed counts up along Z.")] = False
    include_lone_images: Annotated[bool, Param("Include Sub Images")] = False
    include_sub_grids: Annotated[bool, Param("Include Sub Grids")] = False
    csv_mode: Annotated[bool, Param("Use text inputs instead of dropdowns")] = False
    margin_size: Annotated[int, Field(ge=0, le=500), Param("Grid margins (px)", step=2)] = 0

    @classmethod
    def from_arguments(cls, arguments: Sequence[Any], kind: Kind) -> dict[str, Any]:
        """Axes by name, or by their place in the list of this tab at A1111 1.8."""
        given = super().from_arguments(arguments, kind)
        labels = [axis.label for axis in axes_of(Extended) if kind in axis.kinds and axis.old]
        for name in ("x_type", "y_type", "z_type"):
            if isinstance(index := given.get(name), int) and 0 <= index < len(labels):
                given[name] = labels[index]
        return given

    @classmethod
    def offered(cls, field: str, request: type[Extended], kind: Kind) -> tuple[str, ...] | None:
        if field.endswith("_type"):
            return tuple(axis.label for axis in axes_of(request) if kind in axis.kinds)
        return () if field.endswith("_dropdown") else None

    @classmethod
    def looks(cls, values: Mapping[str, Any], request: type[Extended], kind: Kind) -> dict[str, Look]:
        """An axis with a list has it in place of the text, unless text is wanted; what was chosen goes along."""
        looks: dict[str, Look] = {}
        for name in ("x_values", "y_values", "z_values"):
            label = values[name.replace("_values", "_type")]
            axes = (axis for axis in axes_of(request) if axis.label == label and kind in axis.kinds)
            choices = next((axis.choices for axis in axes), ())
            text, chosen = str(values[name] or ""), list(values[f"{name}_dropdown"] or ())
            if choices and not values["csv_mode"]:
                looks |= {name: Look(False, value=""), f"{name}_dropdown": Look(True, choices, chosen or split(text))}
            else:
                text = text or (joined(chosen) if choices else "")
                looks |= {name: Look(True, value=text), f"{name}_dropdown": Look(False, value=[])}
        return looks

    @classmethod
    def pressed(cls, button: str, values: Mapping[str, Any], request: type[Extended], kind: Kind) -> dict[str, Look]:
        """Two axes change places, or an axis with a list gets all of it."""
        for one, two in _PAIRS:
            if button == f"{one}{two}_grid_swap_axes_button":
                changed = dict(values)
                for field in _FIELDS:
                    first, second = f"{one}_{field}", f"{two}_{field}"
                    changed[first], changed[second] = values[second], values[first]
                types = {f"{axis}_type": Look(value=changed[f"{axis}_type"]) for axis in (one, two)}
                return cls.looks(changed, request, kind) | types
        name = f"{button.removeprefix('xyz_grid_fill_')[:1]}_values_dropdown"
        look = cls.looks(values, request, kind).get(name, Look(False))
        return {name: look._replace(value=Every)} if look.visible and look.choices else {}


@hook
def parameters() -> Sequence[type[Group]]:
    return [XyzPlot]
