"""The device that an engine computes on: which one, its memory, its loss, networks compiled for it."""
