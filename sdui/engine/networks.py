"""The networks that tags in a prompt ask for, <lora:name:0.8>: found, merged into the checkpoint, and told of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from sdui.core.events import Emit, Notice
from sdui.core.infotext_keys import LORA_HASHES
from sdui.core.settings import Preferences
from sdui.models.adapters.merged import Chosen, Fit
from sdui.models.embeddings import embeddings_in
from sdui.models.files import ModelFile, ModelFiles
from sdui.models.hashes import Hashes
from sdui.models.residents import Lease
from sdui.prompt.extra_networks import ExtraNetwork, parse_extra_networks

from .embeddings import EmbeddingLibrary, Embeddings
from .hypernets import HYPERNET_TAG, Hypernets

_LORA_TAGS = ("lora", "lyco")


class _Named(NamedTuple):
    name: str
    """As the prompt has it."""
    file: ModelFile
    chosen: Chosen


@dataclass(slots=True)
class Networks:
    """Of one job."""

    files: ModelFiles
    emit: Emit
    preferences: Preferences
    library: EmbeddingLibrary
    hashes: Mapping[str, str]
    """First digits of the hashes of files by the names that they had when the request was first drawn."""
    embeddings: Embeddings = field(init=False)
    hypernets: Hypernets = field(init=False)
    _hashes: dict[str, Hashes] = field(default_factory=dict[str, Hashes])
    _shown: str = ""
    _told: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        shown = self.preferences.textual_inversion_add_hashes_to_infotext
        self.embeddings = Embeddings(self.library, self._tell, shown, self._renamed_embeddings())
        self.hypernets = Hypernets(self.files, self._tell)

    @property
    def facts(self) -> dict[str, str | None]:
        """For the infotext. Where the passes' networks differ, the last pass that had some is told of, as in A1111."""
        return {LORA_HASHES: self._shown or None} | self.embeddings.facts

    @property
    def sha256(self) -> dict[str, str]:
        """Of all files used so far, by their names."""
        loras = {name: hashes.sha256 for name, hashes in self._hashes.items()}
        return loras | self.embeddings.sha256 | self.hypernets.sha256

    def activate(self, prompt: str, lease: Lease, patches: ExitStack) -> None:
        """Let the networks of a prompt count in the checkpoint until `patches` closes.

        What cannot be used is left out and told of, once in a job.
        """
        _, tags = parse_extra_networks(prompt)
        if others := [_written(tag) for tag in tags if tag.kind not in (*_LORA_TAGS, HYPERNET_TAG)]:
            self._tell(f"Prompt: this version of sdui draws without {', '.join(others)}.")
        named = list(self._named([tag for tag in tags if tag.kind in _LORA_TAGS]))
        merged = patches.enter_context(lease.model.adapters.applied([one.chosen for one in named]))
        bundled = (embeddings_in(tensors) for tensors in merged.embeddings.values())
        self.embeddings.bundle([embedding for embeddings in bundled for embedding in embeddings])
        self.hypernets.activate([tag for tag in tags if tag.kind == HYPERNET_TAG], lease, patches)
        fits = merged.fits[len(merged.fits) - len(named) :]
        usable = [one for one, fit in zip(named, fits, strict=True) if not fit.problem]
        for one in usable:
            if one.name not in self._hashes:
                self._hashes[one.name] = self.files.hash_of(one.file)
        if usable and self.preferences.lora_add_hashes_to_infotext:
            self._shown = ", ".join(f"{_plain(one.name)}: {self._hashes[one.name].network}" for one in usable)
        for one, fit in zip(named, fits, strict=True):
            if remark := _remark(one.name, fit, lease.name):
                self._tell(remark)

    def _named(self, tags: Sequence[ExtraNetwork]) -> Iterator[_Named]:
        # A1111 has one object for each name: named twice, a LoRA counts twice with the strengths of the last tag.
        last = {_name(tag): tag for tag in tags}
        missing: dict[str, None] = {}
        for tag in tags:
            name = _name(tag)
            file = self.files.lora(name, self.hashes.get(_plain(name), ""))
            if file is None:
                missing[repr(name)] = None
                continue
            try:
                yield _Named(name, file, _chosen(file, last[name]))
            except ValueError:
                self._tell(f"Prompt: {_written(tag)} has a strength that is no number; drawn without it.")
        if missing:
            where = ", ".join(str(folder) for folder in self.files.folders("lora")) or "the folders of models"
            self._tell(f"Prompt: there is no LoRA {', '.join(missing)} in {where}; drawn without.")

    def _renamed_embeddings(self) -> dict[str, ModelFile]:
        """By the names that they had."""
        found = {name: self.files.by_hash("embedding", digits) for name, digits in self.hashes.items()}
        return {name: file for name, file in found.items() if file and not self.files.named("embedding", name)}

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.emit(Notice(text))


def _name(tag: ExtraNetwork) -> str:
    return next(iter(tag.positional), "")


def _written(tag: ExtraNetwork) -> str:
    return f"<{':'.join((tag.kind, *tag.arguments))}>"


def _chosen(file: ModelFile, tag: ExtraNetwork) -> Chosen:
    """<lora:name:te:unet:dyn> or by the names te=, unet=, dyn=; the UNet's strength is the text encoders' if not given.

    Raises ValueError for what is no number.
    """
    _, *given = tag.positional
    text, unet, rank = (*given[:3], *(None,) * (3 - len(given[:3])))
    text = _number(tag.named.get("te", text or "1"))
    unet = _number(tag.named["unet"]) if "unet" in tag.named else _number(unet) if unet else text
    rank = tag.named.get("dyn", rank)
    return Chosen(file.path, text, unet, int(rank) if rank else None)


def _number(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError
    return number


def _plain(name: str) -> str:
    """As A1111 writes it: the list of hashes has colons and commas of its own."""
    return name.replace(":", "").replace(",", "")


def _remark(name: str, fit: Fit, checkpoint: str) -> str:
    if fit.problem:
        return f"Prompt: LoRA {name!r} is left out. {fit.problem}"
    if not fit.unfitting:
        return ""
    if fit.fitting:
        share = f"{fit.unfitting} of the {fit.unfitting + fit.fitting} layers that it changes"
        return f"Prompt: LoRA {name!r} fits {checkpoint} only in part: {share} are not there or of other sizes."
    return (
        f"Prompt: LoRA {name!r} is left out: {checkpoint} has none of the {fit.unfitting} layers that it changes, "
        "or has them in other sizes. It is made for another kind of checkpoint."
    )
