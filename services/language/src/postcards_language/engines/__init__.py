"""The engines that make phrases."""
