"""Outpainting mk2: a picture grows side by side, from noise that is like the picture."""
