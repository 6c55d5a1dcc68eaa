"""Extras: mirrored copies for training."""
