"""Comments in prompts: what stands after # on a line is for the writer alone."""

from __future__ import annotations


def without_comments(text: str) -> str:
    """Lines that are a comment vanish, of others only the comment does."""
    return "\n".join(line.partition("#")[0] for line in text.split("\n") if not line.startswith("#"))
