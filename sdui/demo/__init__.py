"""The bundled checkpoint: its data, its training, and how well it does what a prompt says."""
