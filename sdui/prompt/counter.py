"""The token counter beside a prompt: used of available, the longest text of the whole schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from .attention import parse_attention
from .chunks import chunk_prompt, room_for
from .composition import parse_composition
from .extra_networks import parse_extra_networks
from .names import Lookup, no_names
from .schedule import schedule


class TokenCount(NamedTuple):
    """Shown as "used/room"; room is a multiple of 75."""

    used: int
    room: int


def count_tokens(
    prompt: str,
    steps: int,
    encode: Callable[[str], list[int]],
    *,
    negative: bool = False,
    backtrack: int = 20,
    lookup: Lookup = no_names,
) -> TokenCount:
    """What A1111's counter shows for a prompt with its styles already applied; AND joins prompts in a positive one."""
    text, _ = parse_extra_networks(prompt)
    parts = [text] if negative else [part.text for part in parse_composition(text)]
    texts = {timed.text for part in parts for timed in schedule(part, steps)}
    chunked = (chunk_prompt(parse_attention(text), encode, backtrack=backtrack, lookup=lookup) for text in texts)
    used = max(chunks.token_count for chunks in chunked)
    return TokenCount(used, room_for(used))
