"""Settings of the interrogators; part of `settings.Preferences`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .params import Param, Params

_SECTION = "Interrogate"


class InterrogatePreferences(Params):
    """Section "Interrogate"; names are A1111's, but for the WD taggers', which it has not."""

    interrogate_keep_models_in_memory: Annotated[
        bool, Param("Keep models in VRAM", "Otherwise they are freed after each use.", section=_SECTION)
    ] = False
    interrogate_return_ranks: Annotated[
        bool, Param("Include ranks of model tags matches in results", section=_SECTION)
    ] = False
    interrogate_clip_num_beams: Annotated[int, Field(ge=1, le=16), Param("BLIP: num_beams", section=_SECTION)] = 1
    interrogate_clip_min_length: Annotated[
        int, Field(ge=1, le=128), Param("BLIP: minimum description length", section=_SECTION)
    ] = 24
    interrogate_clip_max_length: Annotated[
        int, Field(ge=1, le=256), Param("BLIP: maximum description length", section=_SECTION)
    ] = 48
    interrogate_clip_dict_limit: Annotated[
        int,
        Field(ge=0, le=1_000_000),
        Param("CLIP: maximum number of lines in text file", "0 = no limit.", section=_SECTION),
    ] = 1500
    interrogate_clip_skip_categories: Annotated[tuple[str, ...], Param("CLIP: skip inquire categories")] = ()
    interrogate_deepbooru_score_threshold: Annotated[
        float, Field(ge=0, le=1), Param("DeepDanbooru: score threshold", step=0.01, section=_SECTION)
    ] = 0.5
    deepbooru_sort_alpha: Annotated[bool, Param("Taggers: sort tags alphabetically", section=_SECTION)] = True
    deepbooru_use_spaces: Annotated[bool, Param("Taggers: use spaces in tags", section=_SECTION)] = True
    deepbooru_escape: Annotated[bool, Param("Taggers: escape (\\) brackets", section=_SECTION)] = True
    deepbooru_filter_tags: Annotated[
        str, Param("Taggers: filter out those tags", "Separated by commas.", section=_SECTION)
    ] = ""
    wd_tagger_general_threshold: Annotated[
        float, Field(ge=0, le=1), Param("WD taggers: score threshold of general tags", step=0.01, section=_SECTION)
    ] = 0.35
    wd_tagger_character_threshold: Annotated[
        float, Field(ge=0, le=1), Param("WD taggers: score threshold of characters", step=0.01, section=_SECTION)
    ] = 0.85
