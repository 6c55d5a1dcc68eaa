"""VAE files: which there are, which one a checkpoint is drawn with, and reading one.

A1111's rules: a VAE is chosen by name for all checkpoints, or for one by the user's notes beside it (name.json) or by a
VAE whose file name begins as the checkpoint's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sdui.core.errors import ModelFileError, RequestError

from . import ldm, sidecars
from .families.base import LoadedModel
from .files import ModelFile, ModelFiles
from .header import header_of
from .ldm_names import vae_names
from .vae import Fallback, Vae
from .weights import Weights

AUTOMATIC, OWN = "Automatic", "None"
"""The names that stand for a checkpoint's preference and for the VAE inside it."""
_KEPT = 2
"""VAE files that stay in memory."""


@dataclass(frozen=True, slots=True)
class VaeWish:
    """What a request says about VAEs."""

    name: str = AUTOMATIC
    sha256: str = ""
    """First digits; finds the file when it was renamed."""
    overrides: bool = True
    """A name goes before what the checkpoint's preference is."""
    bfloat16: bool = False

    @property
    def automatic(self) -> bool:
        return self.name in (AUTOMATIC, "auto", "")


@dataclass(frozen=True, slots=True)
class Choice:
    file: ModelFile | None
    """None for the checkpoint's own."""
    notice: str = ""


class VaeFiles:
    """Which file a wish means for a checkpoint."""

    def __init__(self, files: ModelFiles) -> None:
        self._files = files

    def all(self) -> list[ModelFile]:
        """One of each file name, sorted; those in VAE folders go before those beside checkpoints."""
        found = {file.path.name: file for file in self._files.of("vae")}
        return [found[name] for name in sorted(found, key=str.casefold)]

    def choose(self, checkpoint: Path, wish: VaeWish) -> Choice:
        """In A1111's order."""
        if wish.overrides and not wish.automatic:
            return self._named(wish)
        files = self.all()
        preferred = _preference(checkpoint)
        if preferred == OWN:
            return Choice(None)
        if preferred and (file := _by_name(files, preferred)):
            return Choice(file)
        notice = f"VAE: {checkpoint.name} prefers {preferred}, which is not there." if preferred else ""
        if file := _beginning_alike(files, checkpoint):
            return Choice(file, notice)
        return Choice(None, notice) if wish.automatic else self._named(wish)

    def resolved(self, checkpoint: Path, wish: VaeWish) -> tuple[str, str]:
        """Name and first digits of the hash that make the same choice again, alone and anywhere."""
        file = self.choose(checkpoint, wish).file
        if file:
            return file.path.name, self._files.sha256(file)[:10]
        return (OWN if self.choose(checkpoint, VaeWish()).file else AUTOMATIC), ""

    def _named(self, wish: VaeWish) -> Choice:
        if wish.name == OWN:
            return Choice(None)
        files = self.all()
        named = _by_name(files, wish.name)
        if wish.sha256 and not (named and self._is(named, wish.sha256)):
            named = next((file for file in files if self._is(file, wish.sha256)), named)
        if named:
            return Choice(named)
        return Choice(None, f"VAE: there is no {wish.name!r}, so the checkpoint's own was used.")

    def _is(self, file: ModelFile, digits: str) -> bool:
        return self._files.sha256(file).startswith(digits.lower())


class VaeStore:
    """Keeps the VAE files that were used last, so that the next job with one of them reads nothing."""

    def __init__(self, files: ModelFiles, device: torch.device, dtype: torch.dtype) -> None:
        self.files = VaeFiles(files)
        self.device, self.dtype = device, dtype
        self._sha256 = files.sha256
        self._held: OrderedDict[tuple[str, int, int, float], Vae] = OrderedDict()

    def names(self) -> tuple[str, ...]:
        """What can be wished for."""
        return (AUTOMATIC, OWN, *(file.path.name for file in self.files.all()))

    @contextmanager
    def used(self, model: LoadedModel, checkpoint: Path, wish: VaeWish, tell: Callable[[str], None]) -> Generator[None]:
        """While it lasts, the model has the VAE of this wish. `tell` gets a sentence of what the user may not expect.

        Raises ModelFileError for a file that is no VAE, RequestError for one of another kind than the checkpoint's.
        """
        choice = self.files.choose(checkpoint, wish)
        if choice.notice:
            tell(choice.notice)
        vae = self._loaded(choice.file, model) if choice.file else None
        with model.using_vae(vae, Fallback(wish.bfloat16, _once(tell))):
            yield

    def _loaded(self, file: ModelFile, model: LoadedModel) -> Vae:
        scale, stat = model.autoencoder.scale, file.path.stat()
        key = (str(file.path), stat.st_size, stat.st_mtime_ns, scale)
        if key not in self._held:
            network = read_vae(file.path, self.device, self.dtype)
            vae = Vae(network, scale, file.path.name, self._sha256(file))
            _require_alike(file.path, vae, model)
            self._held[key] = vae
        self._held.move_to_end(key)
        while len(self._held) > _KEPT:
            self._held.popitem(last=False)
        return self._held[key]


class VaeWeights(Weights):
    """A VAE's file, whose names may have a checkpoint's prefix or none, or be diffusers'; here they have the prefix."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        places = self._contents.places
        names = {name: name for name in places}
        if not any(name.startswith(ldm.VAE) for name in places):
            plain = vae_names(places) if any(".mid_block." in name for name in places) else names
            names = {name: f"{ldm.VAE}{plain[name]}" if _is_part(name) else name for name in places}
        self._contents = replace(self._contents, places={names[name]: place for name, place in places.items()})
        self.header = header_of(self._contents)


def read_vae(path: Path, device: torch.device, dtype: torch.dtype) -> Any:
    """diffusers' AutoencoderKL of a VAE's file. Raises ModelFileError, naming it."""
    # diffusers takes seconds to import; listing files must not wait for it.
    from .networks import build_vae

    weights = VaeWeights(path)
    try:
        with torch.inference_mode(False):
            return build_vae(weights, device, dtype)
    except (ModelFileError, KeyError, IndexError, ValueError) as error:
        raise ModelFileError(f"{path} is no complete VAE. Choose another VAE, or None. ({error})") from error


def _is_part(name: str) -> bool:
    """Training leaves others: its loss, averages."""
    return name.startswith(("encoder.", "decoder.", "quant_conv.", "post_quant_conv."))


def _require_alike(path: Path, vae: Vae, model: LoadedModel) -> None:
    there, here = (vae.channels, vae.downscale), (model.latent.channels, model.latent.downscale)
    if there != here:
        raise RequestError(
            f"VAE: {path} is of another kind than the checkpoint. Its latents have {there[0]} channels and "
            f"{there[1]} pixels a cell, the checkpoint's {here[0]} and {here[1]}. Choose another VAE, or None."
        )


def _by_name(files: list[ModelFile], name: str) -> ModelFile | None:
    """With or without folder and ending."""
    called = [(file, (file.path.name, file.title_path, file.name, _without_vae(file))) for file in files]
    return next((file for place in range(4) for file, names in called if names[place] == name), None)


def _without_vae(file: ModelFile) -> str:
    return file.name.removesuffix(".vae")


def _beginning_alike(files: list[ModelFile], checkpoint: Path) -> ModelFile | None:
    """A1111 takes any whose name begins with the checkpoint's; of several, here, the one that has no more to it."""
    alike = [file for file in files if file.path.name.startswith(checkpoint.stem)]
    return min(alike, key=lambda file: (_without_vae(file) != checkpoint.stem, len(file.path.name)), default=None)


def _preference(checkpoint: Path) -> str:
    """What the user noted for this checkpoint; "" is nothing."""
    name = sidecars.read_notes(sidecars.stem_of(checkpoint)).vae
    return "" if name == AUTOMATIC else name


def _once(tell: Callable[[str], None]) -> Callable[[str], None]:
    told: set[str] = set()

    def tell_once(text: str) -> None:
        if text not in told:
            told.add(text)
            tell(text)

    return tell_once
