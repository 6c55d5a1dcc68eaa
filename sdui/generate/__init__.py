"""`sdui generate PROMPT`: draws pictures from the command line, here or on a running server."""

from .command import main

__all__ = ["main"]
