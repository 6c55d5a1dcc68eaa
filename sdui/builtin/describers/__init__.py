"""Interrogators: BLIP captions with CLIP's ranked words, and WD taggers."""
