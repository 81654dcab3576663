"""Vectors, meshes, implicit surfaces, and their way into pixels."""
