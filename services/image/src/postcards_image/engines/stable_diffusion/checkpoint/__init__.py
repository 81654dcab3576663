"""A Stable Diffusion checkpoint: its files, its parts, its LoRA weights."""
