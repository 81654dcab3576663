"""The photographs of a training run: found, read, cropped, batched."""
