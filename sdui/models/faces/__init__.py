"""Finding faces and restoring them."""
