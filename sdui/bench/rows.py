"""The table that the bench prints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    group: str
    what: str
    value: float | str
    unit: str = ""


def table(rows: list[Row]) -> str:
    """Aligned text, one line a row."""
    shown = [(row.group, row.what, _number(row.value), row.unit) for row in rows]
    widths = [max((len(row[column]) for row in shown), default=0) for column in range(4)]
    return "\n".join(
        f"{group:<{widths[0]}}  {what:<{widths[1]}}  {value:>{widths[2]}} {unit}".rstrip()
        for group, what, value, unit in shown
    )


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
