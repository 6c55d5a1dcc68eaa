"""The parts of the txt2img and img2img tabs, each made by a function, in the order of the setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sdui.core.page_preferences import ITEMS
from sdui.services import Services


def build(services: Services, makers: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """What each maker has made; those that the setting "UI item order" names come first, others in A1111's order.

    makers: by names of `ITEMS`.
    """
    order = dict.fromkeys((*services.settings.current.ui_reorder_list, *ITEMS))
    return {name: makers[name]() for name in order if name in makers}
