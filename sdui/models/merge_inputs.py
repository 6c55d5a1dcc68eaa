"""Which files a merge reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdui.core.errors import ModelNotFound, RequestError
from sdui.core.merging import MergeRequest
from sdui.core.params import declared

from .files import CheckpointFile, ModelFiles
from .tensor_parts import TensorReader


@dataclass(frozen=True, slots=True)
class Inputs:
    files: list[CheckpointFile]
    """A, B, C, as many as the method needs."""
    models: list[TensorReader]
    """What is in them."""
    vae: TensorReader | None = None

    @property
    def paths(self) -> list[Path]:
        return [reader.path for reader in (*self.models, *((self.vae,) if self.vae else ()))]


def find_inputs(request: MergeRequest, files: ModelFiles, any_path: bool) -> Inputs:
    """any_path: also by the path of a file. Raises RequestError and ModelFileError, naming the field or the file."""
    labels = {d.path: d.param.label for d in declared(MergeRequest)}
    found: list[CheckpointFile] = []
    for field, name in request.models.items():
        if not name:
            raise RequestError(f"{labels[field]}: choose a checkpoint; {request.method} needs one.")
        try:
            found.append(
                files.at(Path(name).resolve()) if any_path and Path(name).exists() else _checkpoint(name, files)
            )
        except ModelNotFound as error:
            raise ModelNotFound(f"{labels[field]}{str(error).removeprefix('Checkpoint')}") from error
    readers = [TensorReader(file.path) for file in found]
    vae = None
    if request.bake_in_vae not in ("", "None"):
        path = _vae(request.bake_in_vae, files, any_path)
        if path is None:
            known = ", ".join(file.path.name for file in files.of("vae")) or "none"
            raise ModelNotFound(f"{labels['bake_in_vae']}: there is no {request.bake_in_vae!r}. Known are {known}.")
        vae = TensorReader(path)
    return Inputs(found, readers, vae)


def _checkpoint(name: str, files: ModelFiles) -> CheckpointFile:
    try:
        return files.find(name)
    except ModelNotFound:
        if re.fullmatch(r"[0-9a-f]{8,64}", name, re.IGNORECASE):
            hashes = {file.path: files.sha256(file) for file in files.checkpoints() if file.header}
            for file in files.checkpoints():
                if hashes.get(file.path, "").startswith(name.lower()):
                    return file
        raise


def _vae(name: str, files: ModelFiles, any_path: bool) -> Path | None:
    if any_path and Path(name).is_file():
        return Path(name)
    choices: Sequence[Path] = [file.path for file in files.of("vae")]
    return next((path for path in choices if name in (path.name, path.stem)), None)
