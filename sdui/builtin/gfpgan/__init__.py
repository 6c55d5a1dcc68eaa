"""Extras: faces restored by GFPGAN."""
