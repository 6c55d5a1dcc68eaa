"""Poor man's outpainting: a picture grows on all sides at once, drawn in tiles."""
