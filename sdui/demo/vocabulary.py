"""The few tokens that captions use; every other word means nothing to networks that learn these alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel

from sdui.prompt.tokenizer import Tokenizer

from .captions import all_words

_START, _END = 49406, 49407
_LENGTH = 77


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Rows of a small table of tokens: one for each that is used, and a last one that all others share."""

    used: tuple[int, ...]
    """Ids of CLIP's tokens, rising."""
    tokenizer: Tokenizer

    def rows(self, captions: Sequence[str]) -> Tensor:
        """[B,77] rows, with a start and as many ends as fit."""
        row = {token: number for number, token in enumerate(self.used)}
        other = len(self.used)
        batch = [[row.get(token, other) for token in self.tokenizer.encode(text)][: _LENGTH - 2] for text in captions]
        start, end = row[_START], row[_END]
        return torch.tensor([[start, *line, *[end] * (_LENGTH - 1 - len(line))] for line in batch])

    @property
    def end(self) -> int:
        """The row of the end."""
        return self.used.index(_END)


def vocabulary_of(objects: int) -> Vocabulary:
    """Of the captions about the first `objects` concepts."""
    tokenizer = Tokenizer()
    used = {token for words in all_words(objects) for token in tokenizer.encode(words)}
    return Vocabulary(tuple(sorted(used | {_START, _END})), tokenizer)


def compact(text: CLIPTextModel, vocabulary: Vocabulary) -> CLIPTextModel:
    """A copy with the vocabulary's rows alone."""
    table = _table(text)
    unused = next(token for token in range(len(table)) if token not in vocabulary.used)
    rows = table[torch.tensor([*vocabulary.used, unused])]
    return _with_table(text, rows)


def expanded(text: CLIPTextModel, vocabulary: Vocabulary, tokens: int = 49408) -> CLIPTextModel:
    """A copy with a row for every token of CLIP; those that are not used get the one that they share."""
    rows = _table(text)
    table = rows[-1:].repeat(tokens, 1)
    table[torch.tensor(vocabulary.used)] = rows[:-1]
    return _with_table(text, table)


def _table(text: Any) -> Tensor:
    """[T,width]."""
    return text.get_input_embeddings().weight.detach()


def _with_table(text: CLIPTextModel, table: Tensor) -> CLIPTextModel:
    sizes = text.config.to_dict() | {"vocab_size": len(table)}
    # Which token ends a text only tells CLIP what to pool, and nothing here is pooled.
    sizes |= {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    other = CLIPTextModel(CLIPTextConfig.from_dict(sizes))
    state = {name: value for name, value in text.state_dict().items() if not name.endswith("position_ids")}
    name = next(key for key in state if key.endswith("token_embedding.weight"))
    other.load_state_dict(state | {name: table}, strict=False)
    return other
