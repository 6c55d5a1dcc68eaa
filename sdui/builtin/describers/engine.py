"""Offers CLIP, DeepDanbooru, BLIP and the WD taggers; those whose files are missing say which are needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sdui.core.events import Progress
from sdui.core.settings import Preferences
from sdui.extensions.contracts import Context, Describer
from sdui.extensions.hooks import hook
from sdui.imaging.resize import FILL, resize
from sdui.models.describing import deepdanbooru
from sdui.models.describing.caption import Lengths, load_captioner, load_ranker
from sdui.models.describing.folders import Found, danbooru_file, find, words
from sdui.models.describing.tagger import CHARACTER, GENERAL, Tag, load
from sdui.models.store import ModelStore

_TOP = re.compile(r"\.top(\d+)$")
_FACES = {"0_0", "(o)_(o)", "+_+", "+_-", "._.", "<o>_<o>", "<|>_<|>", "=_=", ">_<", "3_3", "6_9", ">_o", "@_@", "^_^"}
"""Tags whose underscores are no blanks, where WD taggers give them; A1111 writes DeepDanbooru's with blanks."""

Tell = Callable[[Image.Image, Context], str]


@dataclass(frozen=True, slots=True)
class Offered:
    name: str
    tell: Tell
    problem: str = ""

    def describe(self, image: Image.Image, context: Context) -> str:
        return self.tell(image, context)


@hook
def describers(models: ModelStore) -> Sequence[Describer]:
    folders = models.files.folders("describer")
    found = find(folders)
    blip = next((one.folder for one in found if one.sort == "blip"), None)
    clip = next((one.folder for one in found if one.sort == "clip"), None)
    taggers = [_wd(models, one) for one in found if one.sort == "wd"]
    danbooru = _deepdanbooru(models, danbooru_file(folders))
    return [_clip(models, blip, clip), danbooru, _blip(models, blip), *taggers]


def _blip(models: ModelStore, folder: Path | None) -> Offered:
    where = _where(models)
    problem = f"it needs BLIP: put a folder with its config.json and model.safetensors into {where}."

    def tell(image: Image.Image, context: Context) -> str:
        place = folder or where
        chosen, side = context.preferences, models.side
        context.emit(Progress("Describing with BLIP"))
        lengths = Lengths(
            chosen.interrogate_clip_num_beams, chosen.interrogate_clip_min_length, chosen.interrogate_clip_max_length
        )
        keep = chosen.interrogate_keep_models_in_memory
        with side.lease(place, lambda: load_captioner(place, side), keep=keep) as captioner:
            return captioner.caption(image, lengths)

    return Offered("BLIP", tell, "" if folder else problem)


def _clip(models: ModelStore, blip: Path | None, clip: Path | None) -> Offered:
    """The caption, and from each file of words those that are most like the picture."""
    caption = _blip(models, blip)

    def tell(image: Image.Image, context: Context) -> str:
        said = [caption.describe(image, context)]
        context.stop.check()
        files = words(models.files.folders("describer"))
        if clip and files:
            said += _ranked(models, clip, files, image, context)
        return ", ".join(said)

    return Offered("CLIP", tell, caption.problem)


def _ranked(
    models: ModelStore, folder: Path, files: Sequence[Path], image: Image.Image, context: Context
) -> Iterator[str]:
    chosen, side = context.preferences, models.side
    keep = chosen.interrogate_keep_models_in_memory
    with side.lease(folder, lambda: load_ranker(folder, side), keep=keep) as ranker:
        for file in files:
            if file.stem in chosen.interrogate_clip_skip_categories:
                continue
            context.stop.check()
            context.emit(Progress(f"Ranking {file.stem}"))
            lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
            known = [line.strip() for line in lines if line.strip()][: chosen.interrogate_clip_dict_limit or None]
            top = _TOP.search(file.stem)
            for word, share in ranker.ranked(image, known)[: int(top[1]) if top else 1] if known else ():
                yield f"({word}:{share:.3f})" if chosen.interrogate_return_ranks else word


def _wd(models: ModelStore, found: Found) -> Offered:
    def tell(image: Image.Image, context: Context) -> str:
        chosen = context.preferences
        context.emit(Progress(f"Tagging with {found.folder.name}"))
        keep = chosen.interrogate_keep_models_in_memory
        with models.side.lease(found.folder, lambda: load(found.folder), keep=keep) as tagger:
            tags = tagger.tags(image)
        least = {GENERAL: chosen.wd_tagger_general_threshold, CHARACTER: chosen.wd_tagger_character_threshold}
        return _listed([tag for tag in tags if tag.likelihood >= least.get(tag.category, 2)], chosen, _FACES)

    return Offered(f"WD {found.folder.name}", tell)


def _deepdanbooru(models: ModelStore, file: Path | None) -> Offered:
    path = file or _where(models) / "model-resnet_custom_v3.pt"

    def tell(image: Image.Image, context: Context) -> str:
        chosen, side = context.preferences, models.side
        context.emit(Progress("Tagging with DeepDanbooru"))
        fitted = resize(image, FILL, deepdanbooru.SIDE, deepdanbooru.SIDE)
        keep = chosen.interrogate_keep_models_in_memory
        with side.lease(path, lambda: deepdanbooru.load(path, side), keep=keep) as tagger:
            tags = tagger.tags(fitted)
        least = chosen.interrogate_deepbooru_score_threshold
        return _listed([tag for tag in tags if tag.likelihood >= least], chosen)

    return Offered("DeepDanbooru", tell, "" if file else f"it needs {path.name}: put it into {path.parent}.")


def _where(models: ModelStore) -> Path:
    """Where users are told to put files."""
    return next(iter(models.files.folders("describer")), Path("models/interrogate"))


def _listed(tags: Sequence[Tag], chosen: Preferences, as_they_are: Collection[str] = ()) -> str:
    """As prompts have them, the likeliest first or in order of the alphabet."""
    left_out = {name.strip().replace(" ", "_") for name in chosen.deepbooru_filter_tags.split(",")}
    named = [tag for tag in tags if tag.name not in left_out]
    if chosen.deepbooru_sort_alpha:
        named.sort(key=lambda tag: tag.name)
    said = [
        _written(tag.name, chosen.deepbooru_use_spaces and tag.name not in as_they_are, chosen.deepbooru_escape)
        for tag in named
    ]
    if chosen.interrogate_return_ranks:
        said = [f"({name}:{tag.likelihood:.3f})" for name, tag in zip(said, named, strict=True)]
    return ", ".join(said)


def _written(tag: str, spaces: bool, escaped: bool) -> str:
    name = tag.replace("_", " ") if spaces else tag
    return re.sub(r"([\\()])", r"\\\1", name) if escaped else name
