"""A browser interface and generation engine for Stable Diffusion."""

__version__ = "0.1.0"
