"""From options and lines to requests: defaults, settings, sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError

from sdui.builtin.prompts_from_file import lines
from sdui.core import old_files
from sdui.core.catalog import Checkpoint
from sdui.core.errors import LaunchError, RequestError
from sdui.core.events import Emit
from sdui.core.params import changed, declared, explain, nest
from sdui.core.request import GenerationRequest
from sdui.imaging.pixels import opened

from .options import DEFAULTS, Line, Options, option_of

_SIDES = ("width", "height")


@dataclass(frozen=True, slots=True)
class Wish:
    """What one line asks for."""

    request: GenerationRequest
    said: frozenset[str]
    """Paths of what the user or the command decides; the rest is for the settings to say."""


class Draws(Protocol):
    """What draws: an engine here, or a server."""

    def settled(self, request: GenerationRequest, said: frozenset[str]) -> GenerationRequest:
        """With what the settings say of what was not said."""
        ...

    def checkpoint(self, name: str) -> Checkpoint | None:
        """What is known of it; None where nothing is."""
        ...

    def draw(self, wish: Wish, tell: Emit) -> None:
        """Tells of progress, notices and saved pictures. Raises SduiError where something was not drawn."""
        ...

    def close(self) -> None: ...


class Wishes:
    """Raises LaunchError for options that are not valid, before anything is loaded."""

    def __init__(self, options: Options, model: type[GenerationRequest]) -> None:
        given = dict(options.values)
        self._said = frozenset(given) | DEFAULTS.keys() | {"prompt", "schedule"}
        values: dict[str, Any] = DEFAULTS | given
        found = old_files.names(str(values["sampler"]), str(values.get("schedule", "")), old=False)
        values |= found._asdict()
        try:
            self._base = model.model_validate(nest(values))
            if self._base.init and not given.keys() & set(_SIDES):
                size = opened(self._base.init.image, "--init-img").size
                self._base = model.model_validate(dict(self._base) | dict(zip(_SIDES, size, strict=True)))
                self._said |= set(_SIDES)
        except RequestError as error:
            raise LaunchError(str(error)) from error
        except ValidationError as error:
            names = {d.path: option_of(d.path) for d in declared(model)}
            raise LaunchError(explain(error, model, names)) from error

    @property
    def pictures(self) -> int:
        """Of one line that says nothing else."""
        return self._base.batch_count * self._base.batch_size

    def wish(self, line: Line, draws: Draws, tell: Callable[[str], None]) -> Wish:
        """Raises RequestError for a line that is not valid; tells of a size that was chosen for the checkpoint."""
        base = draws.settled(self._base, self._said)
        if line.options:
            given = lines.options(line.text)
            said = self._said | {lines.PATHS.get(name, name) for name in given}
            request = lines.with_options(base, given, "start")
            prompts = {name: getattr(request, name).strip() for name in ("prompt", "negative_prompt")}
            request = request.model_copy(update=prompts)
        else:
            said, request = self._said, changed(base, "prompt", line.text) or base
        return Wish(self._sized(request, said, draws, tell), said)

    def _sized(
        self, request: GenerationRequest, said: frozenset[str], draws: Draws, tell: Callable[[str], None]
    ) -> GenerationRequest:
        found = draws.checkpoint(request.model)
        missing = [side for side in _SIDES if side not in said]
        if found is None or not missing:
            return request
        sized = request.model_copy(update={side: getattr(found, side) for side in missing})
        if sized != request:
            tell(f"{found.name} draws best at {found.width}x{found.height}, so {' and '.join(missing)} are those.")
        return sized
