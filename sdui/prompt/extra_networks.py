"""Tags such as <lora:name:0.8:unet=0.5>: taken out of the prompt and listed."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEAD = re.compile(r"<(\w+):")


@dataclass(frozen=True, slots=True)
class ExtraNetwork:
    """One tag: what kind of network ("lora", "hypernet", ...) and its arguments as written."""

    kind: str
    arguments: tuple[str, ...]

    @property
    def positional(self) -> tuple[str, ...]:
        """The arguments without a name; the first is the network's own name."""
        return tuple(argument for argument in self.arguments if "=" not in argument)

    @property
    def named(self) -> dict[str, str]:
        """The arguments of the form name=value; the last of equal names counts."""
        return dict(argument.split("=", 1) for argument in self.arguments if "=" in argument)


def parse_extra_networks(text: str) -> tuple[str, list[ExtraNetwork]]:
    """`text` without its tags, and the tags in order. Unfinished or empty tags stay in the text. Never raises."""
    kept: list[str] = []
    networks: list[ExtraNetwork] = []
    done = 0
    head = _HEAD.search(text)
    while head:
        end = text.find(">", head.end())
        if end == -1:
            break
        if end > head.end():
            kept.append(text[done : head.start()])
            networks.append(ExtraNetwork(head[1], tuple(text[head.end() : end].split(":"))))
            done = end + 1
        head = _HEAD.search(text, max(done, head.end()))
    kept.append(text[done:])
    return "".join(kept), networks
