"""The bundled checkpoint: its data, its training, and how well it does what a prompt says."""

# Before anything of diffusers: torchvision may have to be prepared.
import sdui.models as _models  # noqa: F401  # pyright: ignore[reportUnusedImport]
