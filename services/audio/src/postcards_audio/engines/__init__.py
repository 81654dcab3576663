"""The engines that make calls, one module each."""
