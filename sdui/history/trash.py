"""The system's trash, from which a person can take a picture back."""

from __future__ import annotations

from pathlib import Path

from sdui.core.errors import OutputError


def to_trash(path: Path) -> None:
    """Raises OutputError where that cannot be done; the file is where it was then."""
    import send2trash  # looks for the desktop's own libraries when it is imported

    try:
        send2trash.send2trash(str(path))
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"{path.name} could not be moved to the trash and was kept: {why}.") from error
