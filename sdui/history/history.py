"""Every saved picture of the output folders: found, shown, kept as a favourite, thrown away."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

from sdui.core.errors import OutputError, PictureNotFound, RequestError, SduiError

from .database import Database, Row
from .entries import read_entry, version_of
from .favourites import Favourites
from .scanning import Places, Reading, Scanner
from .search import read_search
from .thumbnails import Thumbnails
from .trash import to_trash

log = logging.getLogger(__name__)

MOST = 500
"""Pictures on a page of a list."""


class _Saved(Protocol):
    @property
    def path(self) -> str: ...


P = ParamSpec("P")
S = TypeVar("S", bound=_Saved)


class Picture(NamedTuple):
    """One that is in the folders at this moment, as it was when it was indexed."""

    path: Path
    row: Row


class Page(NamedTuple):
    total: int
    """How many the search has found in all."""
    rows: list[Row]
    reading: Reading | None
    """How far the index has got, while it is not complete."""


class History:
    """Any thread may use it. Nothing is read or made before it is started or asked."""

    def __init__(
        self,
        root: Path,
        cache: Path,
        folders: Callable[[], Iterable[Path]],
        trash: Callable[[Path], None] = to_trash,
    ) -> None:
        """root: the data folder. folders: where pictures are saved now, absolute. trash: raises OutputError."""
        self._places = Places(root.resolve(), folders)
        self._database = Database(cache / "history.sqlite3")
        self._favourites = Favourites(root / "favourites.json")
        self._thumbnails = Thumbnails(cache / "thumbnails")
        self._trash = trash
        self._scanner = Scanner(self._database, self._places, self._favourites.names, self._thumbnails.remove)
        self._deciding = threading.Lock()
        """So that no picture becomes a favourite on its way to the trash."""

    def start(self, after: float = 0.0) -> None:
        """Look through the folders in the background; after: seconds until then, unless `look` wants it sooner."""
        self._scanner.start(after)

    def look(self) -> None:
        """Look through the folders again, soon."""
        self._scanner.look()

    def scan(self) -> None:
        """Look through the folders now. Raises SduiError."""
        with self._indexed():
            self._scanner.scan()

    def close(self) -> None:
        self._scanner.close()
        self._database.close()

    def told(self, save: Callable[P, tuple[S, str]]) -> Callable[P, tuple[S, str]]:
        """`save`, but the index hears of each picture at once."""

        def saved(*args: P.args, **kwargs: P.kwargs) -> tuple[S, str]:
            made, warning = save(*args, **kwargs)
            self.add(Path(made.path))
            return made, warning

        return saved

    def add(self, path: Path) -> None:
        """Index this file, unless it is outside of the folders. What fails is only logged: the picture is saved."""
        try:
            if self._places.holds(path):
                entry = read_entry(path, self._places.name(path))
                self._thumbnails.remove(self._database.put([entry], self._favourites.names()))
        except (OSError, sqlite3.Error) as error:
            log.warning("%s will be missing in the history until the next look: %s", path, error)

    def page(self, text: str, offset: int, count: int) -> Page:
        """`count` pictures, at most MOST, the newest first, that `text` finds. Raises SduiError."""
        search = read_search(text)
        with self._indexed():
            found = self._database.find(search, max(0, offset), min(max(0, count), MOST))
        return Page(found.total, found.rows, self._scanner.reading)

    def picture(self, id: int) -> Picture:
        """Raises PictureNotFound for one that is not in the index, or not in the folders as it was."""
        with self._indexed():
            row = self._database.get(id)
        if row is None:
            raise PictureNotFound("This picture is not in the history any more; search again.")
        path = self._places.path(row.name)
        try:
            same = version_of(path) == row.version and self._places.holds(path)
        except OSError:
            same = False
        if not same:
            self.look()
            raise PictureNotFound(f"{path.name} has been changed, moved or deleted; search again.")
        return Picture(path, row)

    def thumbnail(self, id: int) -> bytes:
        """A small WebP file. Raises PictureNotFound, and RequestError for a damaged picture."""
        picture = self.picture(id)
        try:
            return self._thumbnails.of(id, picture.path)
        except OSError as error:
            raise RequestError(f"{picture.path.name} cannot be read: {error.strerror}.") from error

    def favour(self, id: int, favourite: bool) -> None:
        """Make it a favourite or none. Raises PictureNotFound, OutputError."""
        with self._deciding:
            picture = self.picture(id)
            self._favourites.change(picture.row.name, favourite)
            with self._indexed():
                self._database.mark(self._favourites.names())

    def delete(self, id: int) -> None:
        """To the system's trash. Raises PictureNotFound, RequestError for a favourite, OutputError."""
        with self._deciding:
            picture = self.picture(id)
            if picture.row.name in self._favourites.names():
                raise RequestError(f"{picture.path.name} is a favourite; take its star away first.")
            self._trash(picture.path)
            with self._indexed():
                self._thumbnails.remove(self._database.remove([picture.row.name]))

    @contextmanager
    def _indexed(self) -> Generator[None]:
        """An index that turns out to be damaged is made again. Raises SduiError."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(f"The index of pictures cannot be used at the moment: {error}.") from error
        except sqlite3.DatabaseError as error:
            log.warning("The index of pictures is damaged: %s", error)
            self._database.renew()
            self._scanner.look()
            raise SduiError("The index of pictures was damaged and is being made again; search again.") from error
