"""Checkpoints for tests."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).parents[1] / "fixtures"
BUNDLED = Path(__file__).parents[2] / "models" / "Stable-diffusion"
_TOKENS = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


def write_tiny_checkpoint(folder: Path) -> Path:
    """tiny-sd15.safetensors with its .yaml, whole again. Token vectors that the fixture lacks are NaN, not a guess."""
    files = ("tiny-sd15", "more-tokens", "ti-tokens")
    weights, *more = (load_file(FIXTURES / f"{name}.safetensors") for name in files)
    known = [(tokens.pop("token_ids"), tokens.pop("token_rows")) for tokens in (weights, *more)]
    weights[_TOKENS] = torch.full((49408, known[0][1].shape[1]), torch.nan, dtype=known[0][1].dtype)
    for ids, rows in known:
        weights[_TOKENS][ids] = rows
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny-sd15.safetensors"
    save_file(weights, path, {"format": "pt"})
    path.with_suffix(".yaml").write_text((FIXTURES / "tiny-sd15.yaml").read_text())
    return path
