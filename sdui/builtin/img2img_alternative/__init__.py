"""img2img alternative test: the noise that would have become the picture is found, and drawn from again."""
