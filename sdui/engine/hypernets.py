"""The hypernetworks that tags in a prompt ask for, <hypernet:name:0.8>."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from sdui.core.errors import ModelFileError
from sdui.models.files import ModelFile, ModelFiles
from sdui.models.hypernetworks import Hypernetwork, read_hypernetwork
from sdui.models.residents import Lease
from sdui.prompt.extra_networks import ExtraNetwork

HYPERNET_TAG = "hypernet"


@dataclass(slots=True)
class Hypernets:
    """Of one job."""

    files: ModelFiles
    tell: Callable[[str], None]
    """Told what cannot be used."""
    _read: dict[tuple[ModelFile, Lease], Hypernetwork] = field(
        default_factory=dict[tuple[ModelFile, Lease], Hypernetwork]
    )

    @property
    def sha256(self) -> dict[str, str]:
        """Of all files used so far, by their names."""
        return {file.name: self.files.sha256(file) for file, _ in self._read}

    def activate(self, tags: Sequence[ExtraNetwork], lease: Lease, patches: ExitStack) -> None:
        """Let these count in the checkpoint until `patches` closes."""
        patches.enter_context(lease.model.with_hypernetworks(list(self._chosen(tags, lease))))

    def _chosen(self, tags: Sequence[ExtraNetwork], lease: Lease) -> Iterator[tuple[Hypernetwork, float]]:
        # Of files with equal names the last counts, as in A1111.
        files = {file.name: file for file in self.files.of("hypernetwork")} if tags else {}
        for tag in tags:
            name, strength = (*tag.positional, "1", "")[:2] if tag.positional else ("", "1")
            if name not in files:
                where = ", ".join(str(folder) for folder in self.files.folders("hypernetwork")) or "the models' folders"
                self.tell(f"Prompt: there is no hypernetwork {name!r} in {where}; drawn without.")
                continue
            try:
                yield self._opened(files[name], lease), float(strength)
            except ValueError:
                self.tell(f"Prompt: hypernetwork {name!r} has a strength that is no number; drawn without it.")
            except ModelFileError as error:
                self.tell(f"Prompt: hypernetwork {name!r} is left out. {error}")

    def _opened(self, file: ModelFile, lease: Lease) -> Hypernetwork:
        """Raises ModelFileError."""
        key = file, lease
        if key not in self._read:
            self._read[key] = read_hypernetwork(file.path, lease.model.device, lease.model.dtype)
        return self._read[key]
