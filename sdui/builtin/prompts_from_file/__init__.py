"""Prompts from file or textbox: a job for every line."""
