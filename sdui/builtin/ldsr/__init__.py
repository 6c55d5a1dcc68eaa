"""LDSR, the upscaler that draws with latent diffusion."""
