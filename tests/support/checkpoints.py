"""Checkpoints for tests."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from sdui.models.ldm import VAE

FIXTURES = Path(__file__).parents[1] / "fixtures"
BUNDLED = Path(__file__).parents[2] / "models" / "Stable-diffusion"
_TOKENS = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"


SMALL = ("tiny-sd21-v", "tiny-sd15-inpainting", "tiny-ip2p", "tiny-sdxl")
"""Fixtures without the VAE, which is that of tiny-sd15, and with the rows of token tables that `token_ids` names."""


def write_tiny_checkpoint(folder: Path) -> Path:
    """tiny-sd15.safetensors with its .yaml, whole again. Token vectors that the fixture lacks are NaN, not a guess."""
    files = ("tiny-sd15", "more-tokens", "ti-tokens")
    weights, *more = (load_file(FIXTURES / f"{name}.safetensors") for name in files)
    known = [(tokens.pop("token_ids"), tokens.pop("token_rows")) for tokens in (weights, *more)]
    weights[_TOKENS] = _table(*known[0])
    for ids, rows in known[1:]:
        weights[_TOKENS][ids] = rows
    return _write(weights, folder, "tiny-sd15")


def write_small_checkpoint(folder: Path, name: str) -> Path:
    """One of `SMALL` in the same way."""
    weights, vae = (load_file(FIXTURES / f"{one}.safetensors") for one in (name, "tiny-sd15"))
    ids = weights.pop("token_ids")
    for key in [key for key in weights if key.endswith("token_embedding.weight")]:
        weights[key] = _table(ids, weights[key])
    weights |= {key: tensor for key, tensor in vae.items() if key.startswith(VAE)}
    return _write(weights, folder, name)


def _table(ids: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    table = torch.full((49408, rows.shape[1]), torch.nan, dtype=rows.dtype)
    table[ids] = rows
    return table


def _write(weights: dict[str, torch.Tensor], folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file(weights, path, {"format": "pt"})
    path.with_suffix(".yaml").write_text((FIXTURES / f"{name}.yaml").read_text())
    return path
