"""LoRA and its kin: files of small tensors that change a checkpoint's weights while they are wanted."""
