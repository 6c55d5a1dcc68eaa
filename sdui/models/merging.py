"""Makes a new checkpoint of one, two or three others, part by part, so that no model is held in memory."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from torch import Tensor

from sdui.core.errors import OutputError, RequestError
from sdui.core.events import Emit, ModelSaved, Notice, Progress, StopToken
from sdui.core.files import large_file, write_atomic, write_new
from sdui.core.merging import ADD_DIFFERENCE, CONFIG_SOURCES, NO_INTERPOLATION, MergeRequest
from sdui.core.params import declared

from .files import ModelFiles
from .merge_inputs import Inputs, find_inputs
from .merge_plan import Plan, make_plan
from .merge_recipe import metadata_of
from .tensor_writing import CheckpointArchive, in_file_order, safetensors_head, write_numbers


def merge(request: MergeRequest, files: ModelFiles, emit: Emit, stop: StopToken, any_path: bool = False) -> ModelSaved:
    """Write the checkpoint beside the others, say where it is, and return that; nothing is left of it otherwise.

    any_path: models may also be named by the paths of files. The result is computed in float32, A * (1 - M) + B * M or
    A + (B - C) * M, and kept in the widest of the inputs' types or in float16.

    Raises RequestError, ModelFileError, OutputError; Interrupted, between two tensors, when the user says stop.
    """
    inputs = find_inputs(request, files, any_path)
    plan = make_plan(request, inputs)
    target = _target(request, inputs, plan, files)
    metadata: Mapping[str, str] = {}
    if request.format == "safetensors" and request.save_metadata:
        emit(Progress("Computing the hashes of the models"))
        metadata = metadata_of(request, inputs, plan, files)
    head = safetensors_head(plan.slots, metadata)
    _require_space(target.parent, len(head) + plan.bytes)
    work = _Work(plan, emit, stop, f"Merging into {target.name}")
    try:
        with large_file(target, request.overwrite) as file:
            work.write_safetensors(file, head) if request.format == "safetensors" else work.write_archive(file)
        if problem := _copy_config(request, inputs, target):
            emit(Notice(problem))
    except FileExistsError as error:
        raise _exists(target) from error
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error
    emit(Progress(f"Computing the hash of {target.name}", done=1.0))
    saved = ModelSaved(str(target), files.sha256(files.at(target)))
    emit(saved)
    return saved


@dataclass(frozen=True, slots=True)
class _Work:
    plan: Plan
    emit: Emit
    stop: StopToken
    stage: str

    def write_safetensors(self, file: IO[bytes], head: bytes) -> None:
        file.write(head)
        for _, parts in self._tensors():
            write_numbers(file, parts)

    def write_archive(self, file: IO[bytes]) -> None:
        with CheckpointArchive(file, self.plan.slots) as archive:
            for name, parts in self._tensors():
                archive.write(name, parts)

    def _tensors(self) -> Iterator[tuple[str, Iterator[Tensor]]]:
        """Each tensor of the result in the file's order; says how far it is."""
        begun, written = time.monotonic(), 0
        for name in in_file_order(self.plan.slots):
            self.stop.check()
            yield name, self.plan.parts(name)
            written += self.plan.slots[name].bytes
            done, spent = written / max(1, self.plan.bytes), time.monotonic() - begun
            self.emit(Progress(self.stage, done=done, eta=spent / done - spent if done else None))


def _target(request: MergeRequest, inputs: Inputs, plan: Plan, files: ModelFiles) -> Path:
    """Where the result goes. Raises RequestError when something is there that must stay."""
    ending = f".{request.format}"
    name = request.output.removesuffix(ending) or _name(request, inputs)
    target = _folder(files) / f"{name}{plan.kind}{ending}"
    if any(path.exists() and target.exists() and path.samefile(target) for path in inputs.paths):
        raise RequestError(f"{_label('output')}: {target} is one of the merged files. Choose another name.")
    if target.exists() and not request.overwrite:
        raise _exists(target)
    return target


def _folder(files: ModelFiles) -> Path:
    """The first checkpoint folder of the user's own choice, else the one in the models folder, as in A1111."""
    models, *own = files.folders("checkpoint")
    return own[0] if own else models


def _exists(target: Path) -> RequestError:
    return RequestError(f"{_label('output')}: {target} exists already. Choose another name, or allow overwriting.")


def _label(field: str) -> str:
    return next(d.param.label for d in declared(MergeRequest) if d.path == field)


def _name(request: MergeRequest, inputs: Inputs) -> str:
    """A1111's name for what has none of its own."""
    names = [re.sub(r"[/\\]", "_", file.title_path).rsplit(".", 1)[0] for file in inputs.files]
    share, rest = round(request.multiplier, 2), round(1 - request.multiplier, 2)
    if request.method == NO_INTERPOLATION:
        return names[0]
    if request.method == ADD_DIFFERENCE:
        return f"{names[0]} + {share}({names[1]} - {names[2]})"
    return f"{rest}({names[0]}) + {share}({names[1]})"


def _require_space(folder: Path, needed: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be used: {error.strerror}.") from error
    if needed > free:
        raise OutputError(
            f"{folder}: the new checkpoint needs {needed / 2**30:.2f} GB, {free / 2**30:.2f} GB are free on this disk. "
            "Free some space, or save as float16."
        )


def _copy_config(request: MergeRequest, inputs: Inputs, target: Path) -> str:
    """Copies the .yaml of the models that may give one; what to tell the user. Raises OSError."""
    choices = [inputs.files, inputs.files[1:2], inputs.files[2:3], []]
    source = next((file.config for file in choices[CONFIG_SOURCES.index(request.config_source)] if file.config), None)
    if source is None:
        return ""
    copy = target.with_suffix(".yaml")
    try:
        (write_atomic if request.overwrite else write_new)(copy, source.read_bytes())
    except FileExistsError:
        return f"{copy} exists already and was left as it is; {source} was not copied."
    return ""
