"""The Extras tab's work: the operations that are on, one after the other, on each picture."""

from __future__ import annotations

from sdui.core.errors import RequestError
from sdui.core.extras import ExtrasRequest
from sdui.extensions.contracts import Drawing
from sdui.extensions.host import Host


def process(request: ExtrasRequest, host: Host, drawing: Drawing) -> None:
    raise RequestError("Extras: not there yet.")
