"""The engines that draw, one module each, named after the engine."""
