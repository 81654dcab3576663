"""Draws a species' body plan by computation alone."""
