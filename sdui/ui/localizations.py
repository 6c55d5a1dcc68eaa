"""The page in other languages: files as A1111 has them, {"English text": "translated text"}."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter

from sdui.services import Services

log = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent / "localizations"
NONE = "None"


def names(data_dir: Path) -> tuple[str, ...]:
    """What can be chosen; "None" is English."""
    return (NONE, *sorted(_files(data_dir)))


def texts(data_dir: Path, name: str) -> dict[str, str]:
    """The texts of one file; empty where there is none or it cannot be read, which is logged."""
    path = _files(data_dir).get(name)
    if path is None:
        return {}
    try:
        held = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        log.warning("Localization: %s cannot be read: %s", path, error)
        return {}
    pairs: dict[Any, Any] = cast("dict[Any, Any]", held) if isinstance(held, dict) else {}
    return {key: value for key, value in pairs.items() if isinstance(value, str) and value}


def routes(services: Services) -> APIRouter:
    def localization() -> dict[str, str]:
        return texts(services.launch.data_dir, services.settings.current.localization)

    served = APIRouter()
    served.get("/page/localization")(localization)
    return served


def _files(data_dir: Path) -> dict[str, Path]:
    """By name; the user's own go before ours."""
    folders = (SHIPPED, data_dir / "localizations")
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.json"))}
