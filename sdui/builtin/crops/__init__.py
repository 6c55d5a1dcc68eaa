"""Extras: crops for training - split oversized pictures, around the focal point, of an automatic size."""
