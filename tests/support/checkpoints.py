"""Checkpoints for tests."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).parents[1] / "fixtures"
BUNDLED = Path(__file__).parents[2] / "models" / "Stable-diffusion"
_TOKENS = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


def write_tiny_checkpoint(folder: Path) -> Path:
    """tiny-sd15.safetensors with its .yaml, whole again. Token vectors that the fixture lacks are NaN, not a guess."""
    weights = load_file(FIXTURES / "tiny-sd15.safetensors")
    ids, rows = weights.pop("token_ids"), weights.pop("token_rows")
    weights[_TOKENS] = torch.full((49408, rows.shape[1]), torch.nan, dtype=rows.dtype)
    weights[_TOKENS][ids] = rows
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny-sd15.safetensors"
    save_file(weights, path, {"format": "pt"})
    path.with_suffix(".yaml").write_text((FIXTURES / "tiny-sd15.yaml").read_text())
    return path
