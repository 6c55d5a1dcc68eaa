"""Upscalers from files, for Extras, hires fix and scripts alike."""
