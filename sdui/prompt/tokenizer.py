"""CLIP's tokenizer: text to the ids of its 49,408 byte-pair tokens.

The vocabulary in assets/clip is OpenAI's (MIT licence beside it). SD 1, SD 2 and SDXL all use it.
"""

from __future__ import annotations

import re
from pathlib import Path

import ftfy
import tokenizers
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split

START = 49406
END = 49407
COMMA = 267
"""The token of a comma that stands alone or ends a run of punctuation."""

_VOCABULARY = Path(__file__).parent / "assets" / "clip"
_WORD = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
_SPACE = re.compile(r"\s+")


class Tokenizer:
    """Immutable after construction (some 30 ms) and safe to share between threads."""

    def __init__(self) -> None:
        vocabulary, merges = str(_VOCABULARY / "vocab.json"), str(_VOCABULARY / "merges.txt")
        self._tokens = tokenizers.Tokenizer(BPE.from_file(vocabulary, merges, end_of_word_suffix="</w>"))
        words = Split(tokenizers.Regex(_WORD), "removed", invert=True)
        self._tokens.pre_tokenizer = Sequence([words, ByteLevel(add_prefix_space=False, use_regex=False)])
        self._tokens.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, of any length, without start and end. Capitals are lowered, broken text is mended."""
        cleaned = _SPACE.sub(" ", ftfy.fix_text(text)).strip().lower()
        return self._tokens.encode(cleaned, add_special_tokens=False).ids

    def vocabulary(self) -> dict[str, int]:
        """The id of each token's text; "</w>" marks the end of a word."""
        return self._tokens.get_vocab()
