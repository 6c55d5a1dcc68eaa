"""Measures how well a checkpoint does what a prompt says: python -m sdui.demo.evaluate [FILE ...]"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from tqdm import tqdm

from sdui.core.errors import SduiError
from sdui.models.hashes import sha256_of

from .drawing import artist
from .features import Features, features
from .figures import Measured, share, table
from .judging import Judge
from .prompts import Case, Limit, cases, limits
from .reconstruction import Reconstruction
from .scenes import Stage
from .sprites import sprites

__all__ = ["BUNDLED", "DATA", "Measured", "ideal", "main", "measured", "table"]

_ROOT = Path(__file__).parents[2]
BUNDLED = _ROOT / "models" / "Stable-diffusion" / "sdui-demo.safetensors"
DATA = _ROOT / "cache" / "demo"
_FILE = TypeAdapter(Measured)
_SOME = 4
"""Every fourth true picture shows what the VAE does to them."""
_PER_LIMIT = 8
"""A quick look has one picture of each limit for as many of single things."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be drawn."""

    cases: tuple[Case, ...]
    limits: dict[Limit, tuple[Case, ...]]

    @property
    def all(self) -> list[Case]:
        """Each once; those that limits are compared with as well."""
        special = [case for some in self.limits.values() for case in some]
        return list(dict.fromkeys([*self.cases, *(case.usual for case in special if not case.start), *special]))


def measured(file: Path, data: Path = DATA, count: int | None = None) -> Measured:
    """All figures of a checkpoint, drawn and calculated at the first call and kept in `data` by the file's SHA-256.

    count: of how many of the 400 pictures, for a quick look, which is not kept. A stop loses no drawn picture.
    Raises SduiError when the file is no such checkpoint or the data cannot be had.
    """
    folder = data / "measured" / sha256_of(file)
    kept = folder.with_suffix(".json")
    if count is None and (known := _kept(kept)):
        return known
    stage = Stage(sprites(data))
    space, wanted = features(stage, data), _wanted(count)
    found = _drawn_and_judged(file, folder, stage, space, wanted)
    if count is None:
        part = kept.with_suffix(".part")
        part.write_bytes(_FILE.dump_json(found, indent=1))
        part.replace(kept)
    return found


def ideal(data: Path = DATA, count: int | None = None) -> Measured:
    """What the same measure says of pictures that are right: its ceiling."""
    stage = Stage(sprites(data))
    wanted = _wanted(count)
    judge = Judge(lambda case: stage.show(case.scene), stage, features(stage, data))
    unknown = {"not_colour": None, "not_style": None, "not_background": None, "negative_objects": None}
    return replace(judge.measured(wanted.cases, wanted.limits), **unknown)


def main(argv: Sequence[str]) -> int:
    """Prints a table with a column for each file; 1 when something cannot be measured."""
    parser = argparse.ArgumentParser("python -m sdui.demo.evaluate", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", default=[BUNDLED], help="checkpoints")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="of the data, and for what is kept")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the figures to OUT")
    parser.add_argument("--count", type=int, metavar="N", help="a quick look at N of the 400 pictures; it is not kept")
    options = parser.parse_args(argv)
    try:
        columns = {"true pictures": ideal(options.data, options.count)}
        for file in options.files:
            columns[file.stem] = measured(file, options.data, options.count)
    except (SduiError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(table(columns) + "\n")
    if options.json:
        options.json.write_bytes(TypeAdapter(dict[str, Measured]).dump_json(columns, indent=1))
    return 0


def _kept(file: Path) -> Measured | None:
    """None when there is none, or one with other figures."""
    try:
        return _FILE.validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _wanted(count: int | None) -> _Wanted:
    if count is None:
        return _Wanted(cases(), limits())
    few = random.Random(0).sample(cases(), count)
    return _Wanted(tuple(few), {limit: some[: max(1, count // _PER_LIMIT)] for limit, some in limits().items()})


def _drawn_and_judged(file: Path, folder: Path, stage: Stage, space: Features, wanted: _Wanted) -> Measured:
    reconstruction = Reconstruction(file)
    with artist(file, stage, folder) as drawing:
        pictures = {case: drawing.picture(case) for case in tqdm(wanted.all, file.stem, unit="picture")}
        seconds = drawing.seconds(wanted.cases[0])
    judge = Judge(pictures.__getitem__, stage, space)
    some = wanted.cases[::_SOME]
    soft = dict(zip(some, reconstruction.through([stage.show(case.scene) for case in some]), strict=True))
    verdicts = Judge(soft.__getitem__, stage, space).verdicts(some)
    return replace(
        judge.measured(wanted.cases, wanted.limits),
        vae_psnr=reconstruction.psnr(stage),
        vae_objects=share([one.object for one in verdicts]),
        vae_styles=share([one.style for one in verdicts]),
        seconds=seconds,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
