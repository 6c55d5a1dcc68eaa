"""Faces are restored when a picture is drawn."""
