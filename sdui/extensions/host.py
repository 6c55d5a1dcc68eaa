"""Holds the extensions and calls them; one that fails is named."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import pluggy

from sdui.core.errors import ExtensionError, Interrupted, SduiError
from sdui.core.groups import Extended, Group, with_groups

from . import hooks

T = TypeVar("T")
R = TypeVar("R", bound=Extended)


class Host:
    """Extensions act in the order in which they were added."""

    def __init__(self) -> None:
        self._plugins = pluggy.PluginManager(hooks.NAME)
        self._plugins.add_hookspecs(hooks)

    def add(self, plugin: object, name: str) -> None:
        """Raises ExtensionError for a hook or an argument that there is not, and for parameters that cannot be."""
        try:
            self._plugins.register(plugin, name)
            self._plugins.check_pending()
            with_groups(Extended, self.groups())
        except (pluggy.PluginValidationError, SduiError, ValueError) as error:
            if self._plugins.has_plugin(name):
                self._plugins.unregister(name=name)
            raise ExtensionError(f"Extension {name}: {error}") from error

    def groups(self) -> list[type[Group]]:
        """The parameters of all extensions."""
        return [group for groups in self.every("parameters") for group in groups]

    def request(self, model: type[R], *places: str) -> type[R]:
        """The class of requests with the parameters of these places."""
        return with_groups(model, [group for group in self.groups() if group.place in places])

    def every(self, name: str, **arguments: Any) -> list[Any]:
        """What each extension answers, in their order, without None."""
        return [answer for call in self._calls(name) if (answer := self._ask(call, name, arguments)) is not None]

    def first(self, name: str, **arguments: Any) -> Any:
        """The first answer that is not None."""
        answers = (self._ask(call, name, arguments) for call in self._calls(name))
        return next((answer for answer in answers if answer is not None), None)

    def passed_on(self, name: str, argument: str, value: T, **arguments: Any) -> T:
        """Each extension gets what the one before it answered; None leaves it as it was."""
        for call in self._calls(name):
            changed = self._ask(call, name, arguments | {argument: value})
            value = value if changed is None else changed
        return value

    def contexts(self, name: str, **arguments: Any) -> list[AbstractContextManager[Any]]:
        return self.every(name, **arguments)

    def _calls(self, name: str) -> list[Any]:
        return list(getattr(self._plugins.hook, name).get_hookimpls())

    def _ask(self, call: Any, hook: str, arguments: dict[str, Any]) -> Any:
        function: Callable[..., Any] = call.function
        try:
            return function(**{name: arguments[name] for name in call.argnames})
        except (Interrupted, SduiError):
            raise
        except Exception as error:
            where = _line(error, inspect.getfile(function))
            raise ExtensionError(
                f"Extension {call.plugin_name}: it failed in {hook}{where}: {type(error).__name__}: {error}"
            ) from error


def _line(error: Exception, file: str) -> str:
    """ ", line 12" of the extension's file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f", line {lines[-1]}" if lines else ""
