"""Where finished pictures go: the outputs folder, or a temporary one rather than losing a picture."""

from __future__ import annotations

import contextlib
import errno
import itertools
import re
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sdui.core import infotext
from sdui.core.errors import OutputError
from sdui.core.events import GeneratedImage, ImageSaved, PictureReady, PictureSaved
from sdui.core.files import write_new
from sdui.core.replay import Record
from sdui.core.settings import Preferences

from .file_formats import Format, encode
from .filenames import NameFacts, expand, relative_path
from .fingerprints import of_pixels
from .given_pictures import done_to, write_picture
from .numbering import write_numbered, write_unnumbered

_TEMPORARY_NAME = re.compile(r"\.[0-9a-f]{32}\.tmp")
_STALE_SECONDS = 600
_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "sdui may not write there",
    errno.EPERM: "sdui may not write there",
    errno.EROFS: "it is on a read-only disk",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EEXIST: "a file is in the place of a folder",
    errno.ENAMETOOLONG: "the file name is too long for this disk",
    errno.EIO: "the disk reports an error",
}


_DEFAULT_FOLDERS = {
    "outdir_txt2img_samples": "outputs/txt2img-images",
    "outdir_img2img_samples": "outputs/img2img-images",
    "outdir_txt2img_grids": "outputs/txt2img-grids",
    "outdir_img2img_grids": "outputs/img2img-grids",
    "outdir_extras_samples": "outputs/extras-images",
}
"""Settings, and what an empty one means."""


@dataclass(frozen=True, slots=True)
class _Place:
    folder: Path
    basename: str
    decoration: Path
    """What stands in the name beside basename and number; may hold folders."""
    numbered: bool


class OutputStore:
    """Saves what the engine makes; one per server, safe for many threads and beside other servers."""

    def __init__(self, root: Path, *, spare: bool = True) -> None:
        """`root` is the data folder; relative output folders are in it.

        spare: a picture that cannot be written where it should be goes to the temporary folder; else OutputError.
        """
        self.root = root.resolve()
        self._spare = spare
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count()
        """Of temporary files."""
        self._used = set[Path]()
        self._lock = threading.Lock()

    def save(self, image: GeneratedImage, preferences: Preferences) -> tuple[ImageSaved, str]:
        """Write one picture; the second value is a warning for the user, or "".

        A picture that is not to be kept, or cannot be written where it should be, goes to the temporary folder.
        Raises OutputError when that fails as well.
        """
        text = infotext.write(image.request, image.facts)
        data, extension, warning = _encode(image, text, preferences)
        place = _place(self.root, image, preferences)
        if not _kept(image, preferences):
            path = self._write_temporary(place, extension, data)
        else:
            try:
                path = self._write(place, extension, data)
            except (OSError, ValueError) as error:  # ValueError: a folder name with a NUL
                if not self._spare:
                    raise OutputError(_failure(place.folder, error)) from error
                path = self._write_temporary(place, extension, data)
                warning = f"{warning} {_failure(place.folder, error)} It is in {path} until the server ends.".strip()
        return ImageSaved(str(path), text, image.request, image.kind, image.cells, image.shown), warning

    def save_encoded(self, data: bytes, form: str, image: GeneratedImage, preferences: Preferences) -> Path:
        """A file of this picture that there is already, such as "png", under the picture's name. Raises OutputError."""
        place = _place(self.root, image, preferences)
        try:
            return self._write(place, form.lower().replace("jpeg", "jpg"), data)
        except (OSError, ValueError) as error:
            raise OutputError(_failure(place.folder, error)) from error

    def save_picture(self, ready: PictureReady, preferences: Preferences) -> tuple[PictureSaved, str]:
        """Write what the Extras tab made, and its caption beside it; never over a file that is there.

        A picture that is not to be kept, or cannot be written where it should be, goes to the temporary folder.
        The second value is a warning for the user, or "". Raises OutputError where nothing can be written.
        """
        picture = ready.picture
        data, extension, warning = write_picture(picture, preferences)
        own = _own_folder(preferences, "outdir_extras_samples")
        folder = _folder(self.root, ready.folder, preferences.outdir_samples, own)
        named = preferences.use_original_name_batch and picture.name
        decoration = relative_path(f"{picture.name}{picture.suffix}") if named else Path(picture.suffix.strip("-"))
        place = _Place(folder, "", decoration, not named)
        if not ready.kept:
            path = self._write_temporary(place, extension, data)
            return PictureSaved(str(path), done_to(picture), ready.shown), warning
        try:
            path = self._write(place, extension, data)
            warning = f"{warning} {_write_caption(path, picture.caption)}".strip()
        except (OSError, ValueError) as error:
            path = self._write_temporary(place, extension, data)
            warning = f"{warning} {_failure(folder, error)} It is in {path} until the server ends.".strip()
        return PictureSaved(str(path), done_to(picture), ready.shown), warning

    def temporary_folder(self) -> Path:
        """For pictures that are not kept; made when first asked for, removed by `close`. Raises OSError."""
        with self._lock:
            if self._temporary is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="sdui-", ignore_cleanup_errors=True)
            return Path(self._temporary.name)

    def close(self) -> None:
        with self._lock:
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None

    def _write(self, place: _Place, extension: str, data: bytes) -> Path:
        if place.numbered:
            self._clean(place.folder)
            return write_numbered(place.folder, place.basename, place.decoration, extension, data)
        folder = (place.folder / place.decoration).parent
        self._clean(folder)
        return write_unnumbered(folder, place.decoration.name, extension, data)

    def _write_temporary(self, place: _Place, extension: str, data: bytes) -> Path:
        """Nobody else writes there, and nothing in it outlives the server: no locks, and no waiting for the disk."""
        number = next(self._numbers)
        name = place.decoration.name
        if place.numbered or place.basename:
            first = f"{place.basename}-{number:04}" if place.basename else f"{number:05}"
            name = f"{first}-{name}" if name else first
        else:
            name = f"{name}-{number}"
        try:
            path = self.temporary_folder() / f"{name}.{extension}"
            path.write_bytes(data)
        except OSError as error:
            raise OutputError(f"{_failure(Path(tempfile.gettempdir()), error)} The picture is lost.") from error
        return path

    def _clean(self, folder: Path) -> None:
        """Remove what killed processes left half-written, once per folder."""
        with self._lock:
            if folder in self._used or not folder.is_dir():
                return
            self._used.add(folder)
        for path in folder.iterdir():
            # Another server may be cleaning as well.
            with contextlib.suppress(FileNotFoundError):
                if _TEMPORARY_NAME.fullmatch(path.name) and time.time() - path.lstat().st_mtime > _STALE_SECONDS:
                    path.unlink()


def _write_caption(picture: Path, caption: str) -> str:
    """A warning where the text file beside the picture is there already or cannot be written."""
    path = picture.with_suffix(".txt")
    try:
        if caption:
            write_new(path, caption.encode())
    except FileExistsError:
        return f"The caption was not saved, {path} is there already: {caption}"
    except OSError as error:
        return f"The caption could not be saved as {path}: {_REASONS.get(error.errno or 0, error.strerror)}."
    return ""


def _record(image: GeneratedImage) -> str:
    """The replay record; "" for grids and interrupted pictures, which no request makes again."""
    if image.kind != "image" or not image.conditions:
        return ""
    return Record(**image.conditions, pixels=of_pixels(image.pixels)).model_dump_json(exclude_defaults=True)


def _encode(image: GeneratedImage, text: str, preferences: Preferences) -> tuple[bytes, Format, str]:
    """File bytes, their format and a warning; a picture that its format cannot hold becomes a PNG."""
    form = preferences.grid_format if image.kind == "grid" else preferences.samples_format
    text, record = (text, _record(image)) if preferences.enable_pnginfo else ("", "")
    try:
        return encode(image.pixels, form, text, preferences, record), form, ""
    except OutputError as error:
        return encode(image.pixels, "png", text, preferences, record), "png", f"{error} It was saved as png."


def _kept(image: GeneratedImage, preferences: Preferences) -> bool:
    if not image.kept:
        return False
    if image.kind == "grid":
        return preferences.grid_save
    wanted = {"image": True, "interrupted": preferences.save_incomplete_images}
    return preferences.samples_save and wanted.get(image.kind, False)


def _place(root: Path, image: GeneratedImage, preferences: Preferences) -> _Place:
    """A1111's folder and name for a picture."""
    if image.folder:
        name = relative_path(image.name)
        return _Place(_folder(root, image.folder), "", name, numbered=not name.name)
    is_grid = image.kind == "grid"
    facts = NameFacts(
        image.request,
        datetime.now().astimezone(),
        image.pixels,
        preferences.directories_max_prompt_words,
        (image.basename or "grid") if is_grid else "",
    )
    kind = "img2img" if image.request.init else "txt2img"
    if is_grid:
        folder = _folder(root, preferences.outdir_grids, _own_folder(preferences, f"outdir_{kind}_grids"))
        decoration, in_subfolder = Path(), preferences.grid_save_to_dirs
    else:
        folder = _folder(root, preferences.outdir_samples, _own_folder(preferences, f"outdir_{kind}_samples"))
        decoration = relative_path(expand(preferences.samples_filename_pattern or "[seed]", facts))
        in_subfolder = preferences.save_to_dirs
    if in_subfolder:
        folder /= relative_path(expand(preferences.directories_filename_pattern or "[prompt_words]", facts))
    return _Place(folder, facts.basename, decoration, preferences.save_images_add_number or not decoration.name)


def output_folders(root: Path, preferences: Preferences) -> tuple[Path, ...]:
    """Every folder, absolute, that finished pictures and copies of them go to; none lies in another."""
    own = (_own_folder(preferences, setting) for setting in _DEFAULT_FOLDERS)
    given = (preferences.outdir_samples, preferences.outdir_grids, preferences.outdir_save, *own)
    # Nothing is saved in a folder whose name no system accepts.
    folders = dict.fromkeys(_folder(root, text).resolve() for text in given if text.strip() and "\0" not in text)
    return tuple(folder for folder in folders if not any(other in folder.parents for other in folders))


def _own_folder(preferences: Preferences, setting: str) -> str:
    folder: str = getattr(preferences, setting)
    return folder if folder.strip() else _DEFAULT_FOLDERS[setting]


def _folder(root: Path, *wanted: str) -> Path:
    """The first that is not empty; "~" is the user's home."""
    return root / Path(next(folder for folder in wanted if folder.strip())).expanduser()


def _failure(folder: Path, error: OSError | ValueError) -> str:
    reason = str(error)
    if isinstance(error, OSError):
        reason = _REASONS.get(error.errno or 0, error.strerror or reason)
    return f"The picture could not be saved in {folder}: {reason}."
