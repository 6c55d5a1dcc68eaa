"""Extras: faces restored by CodeFormer."""
