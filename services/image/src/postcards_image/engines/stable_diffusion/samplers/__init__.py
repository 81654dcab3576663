"""Samplers whose rows share calls of the network."""
