"""Settings of what is done with results, and of how a job ends; part of `settings.Preferences`."""

from __future__ import annotations

from typing import Annotated

from .params import Param, Params

_INTERFACE = "User interface"


class ResultsPreferences(Params):
    """Section "User interface"."""

    interrupt_after_current: Annotated[
        bool,
        Param(
            "Don't Interrupt in the middle",
            "The first Interrupt lets the picture that is being drawn be finished, a second one ends it at once.",
            section=_INTERFACE,
        ),
    ] = True
    send_seed: Annotated[
        bool, Param("Send seed when sending prompt or image to other interface", section=_INTERFACE)
    ] = True
    send_size: Annotated[
        bool, Param("Send size when sending prompt or image to another interface", section=_INTERFACE)
    ] = True
