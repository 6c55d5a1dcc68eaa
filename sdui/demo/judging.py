"""Judges drawn pictures: from pixels and features to what was obeyed and what was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .concepts import CONCEPTS
from .features import Features, Seen
from .figures import Measured, Obeyed, mean, share
from .measures import (
    background_distance,
    background_name,
    box,
    close_up,
    colourfulness,
    has_colour,
    is_tinted,
    overlap,
    parts,
    same_shape,
    share_of_colour,
    squared,
    things,
)
from .prompts import FIRST, Case, Limit
from .scenes import Picture, Stage

PictureOf = Callable[[Case], Picture]
_LESS = 0.7
"""The part of a thing that has an unwanted colour has to fall to this share of what it was."""
_CLEARLY = 10.0
"""CIELAB distance from white of a background that nobody would call white."""
_STAYS = 0.6
_WHOLE = 0.7
"""As alike are the shapes of most that are right, and of few that are stretched, or there twice."""
_EDGE, _SAME = 8, 2 / 255
"""Pixels at each edge that inpainting of the middle must leave as they are, and what rounding may do to them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One picture, and what it looks like."""

    case: Case
    picture: Picture
    seen: Seen
    likeness: float
    """With the object and style asked for."""

    @property
    def object(self) -> bool:
        return self.seen.name == self.case.name

    @property
    def style(self) -> bool:
        return self.seen.style == self.case.scene.style

    @property
    def colour(self) -> bool | None:
        """None where the prompt has none for the thing."""
        tint = self.case.scene.things[0].tint
        return has_colour(self.picture, tint) if tint else None

    @property
    def background(self) -> bool:
        return background_name(self.picture) == self.case.scene.background


class Judge:
    """Judges cases, of which somebody has the pictures."""

    def __init__(self, picture_of: PictureOf, stage: Stage, space: Features) -> None:
        self._picture_of, self._stage, self._space = picture_of, stage, space

    def verdicts(self, cases: Sequence[Case]) -> list[Verdict]:
        pictures = [self._picture_of(case) for case in cases]
        looked_at = [squared(picture) for picture in pictures]
        seen = self._space.nearest(looked_at)
        likeness = self._space.likeness(looked_at, [Seen(case.name, case.scene.style) for case in cases])
        return [Verdict(*row) for row in zip(cases, pictures, seen, likeness, strict=True)]

    def measured(self, cases: Sequence[Case], limits: Mapping[Limit, Sequence[Case]]) -> Measured:
        """Everything but the VAE and the time."""
        every = self.verdicts(cases)
        of = {limit: self.verdicts(some) for limit, some in limits.items() if limit not in ("two", "plurals")}
        white = [one for one in every if not _named_background(one)]
        first = {concept.name for concept in CONCEPTS[:FIRST]}
        negative = [*of["not colour"], *of["not style"], *of["not background"]]
        return Measured(
            everything=_obeyed(every),
            first=_obeyed([one for one in every if one.case.name in first]),
            held_out=_obeyed([one for one in every if one.case.scene.held_out]),
            by_object=_by((one.case.name, one.object) for one in every),
            by_colour=_by((one.case.scene.things[0].tint, one.colour) for one in every),
            by_background=_by((_named_background(one), one.background) for one in every),
            likeness=mean([one.likeness for one in every]),
            named=mean([_background_distance(one) for one in every if _named_background(one)]),
            white=mean([_background_distance(one) for one in white]),
            tinted=share([is_tinted(one.picture) for one in white]),
            colourfulness=self._colourfulness([case.usual for case in limits["guidance"]]),
            colourfulness_strong=self._colourfulness(limits["guidance"]),
            strong_objects=share([one.object for one in of["guidance"]]),
            two=share([self._each_there(case) for case in limits["two"]]),
            plurals=share([self._each_there(case) for case in limits["plurals"]]),
            sizes=share([one.object and self._is_whole(one) for one in of["sizes"]]),
            not_colour=share([self._lost_colour(case) for case in limits["not colour"] if self._had_colour(case)]),
            not_style=share([not one.style for one in of["not style"] if self._before(one).style]),
            not_background=share(
                [
                    not _is_white(one.picture)
                    for one in of["not background"]
                    if _is_white(self._picture_of(one.case.usual))
                ]
            ),
            negative_objects=share([one.object for one in negative]),
            img2img=share([one.object and one.style and one.background for one in of["img2img"]]),
            layout=share([self._stays(one) for one in of["img2img"] if one.case.scene.placing]),
            repaired=share([one.object and self._edge_unchanged(one) for one in of["repair"]]),
            replaced=share([one.object and one.background for one in of["replace"]]),
        )

    def _colourfulness(self, cases: Iterable[Case]) -> float | None:
        pairs = [(self._picture_of(case), self._stage.show(case.scene)) for case in cases]
        wanted = sum(colourfulness(true) for _, true in pairs)
        return sum(colourfulness(drawn) for drawn, _ in pairs) / wanted if wanted else None

    def _each_there(self, case: Case) -> bool:
        """In any order."""
        picture, wanted = self._picture_of(case), case.scene.things
        found = [close_up(picture, part) for part in parts(picture, len(wanted))]
        names = [seen.name for seen in self._space.nearest([one for one in found if one is not None])]
        return sorted(names) == sorted(thing.name for thing in wanted)

    def _is_whole(self, one: Verdict) -> bool:
        """Once, and in its own shape."""
        return same_shape(one.picture, self._stage.show(one.case.scene)) >= _WHOLE

    def _before(self, one: Verdict) -> Verdict:
        """Without the negative prompt."""
        return self.verdicts([one.case.usual])[0]

    def _lost_colour(self, case: Case) -> bool:
        before, after = (share_of_colour(self._picture_of(one), case.negative) for one in (case.usual, case))
        return after <= _LESS * before

    def _had_colour(self, case: Case) -> bool:
        return has_colour(self._picture_of(case.usual), case.negative)

    def _stays(self, one: Verdict) -> bool:
        start = one.case.start
        assert start is not None
        return overlap(box(things(self._stage.show(start))), box(things(one.picture))) >= _STAYS

    def _edge_unchanged(self, one: Verdict) -> bool:
        assert one.case.start is not None
        changed = np.abs(one.picture - self._stage.show(one.case.start))
        changed[_EDGE:-_EDGE, _EDGE:-_EDGE] = 0
        return float(changed.max()) <= _SAME


def _obeyed(verdicts: Sequence[Verdict]) -> Obeyed:
    return Obeyed(
        cases=len(verdicts),
        objects=share([one.object for one in verdicts]),
        styles=share([one.style for one in verdicts]),
        colours=share([one.colour for one in verdicts if one.colour is not None]),
        backgrounds=share([one.background for one in verdicts if _named_background(one)]),
    )


def _named_background(one: Verdict) -> str:
    name = one.case.scene.background
    return "" if name == "white" else name


def _is_white(picture: Picture) -> bool:
    return background_distance(picture, "white") <= _CLEARLY


def _background_distance(one: Verdict) -> float:
    return background_distance(one.picture, one.case.scene.background)


def _by(pairs: Iterable[tuple[str | None, bool | None]]) -> dict[str, float]:
    """The share that is true, for each name that there is."""
    groups: defaultdict[str, list[bool]] = defaultdict(list)
    for name, value in pairs:
        if name:
            groups[name].append(bool(value))
    return {name: sum(values) / len(values) for name, values in groups.items()}
