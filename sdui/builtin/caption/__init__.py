"""Extras: what the picture shows, as a text file beside it."""
