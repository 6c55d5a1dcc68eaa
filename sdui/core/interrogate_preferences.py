"""Settings of the interrogators; part of `settings.Preferences`."""

from __future__ import annotations

from .params import Params


class InterrogatePreferences(Params):
    """Section "Interrogate"."""
