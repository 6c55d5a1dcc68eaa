"""Measures what the README promises: `python -m sdui.bench`."""
