"""Extras: the picture at another size, by one or two upscalers."""
