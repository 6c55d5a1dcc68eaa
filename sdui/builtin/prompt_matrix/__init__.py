"""Prompt matrix: a picture for every combination of a prompt's parts."""
