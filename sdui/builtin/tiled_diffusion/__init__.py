"""Tiled diffusion: large pictures drawn window by window (MultiDiffusion)."""
