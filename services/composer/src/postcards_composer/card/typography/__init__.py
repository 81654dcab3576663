"""Typefaces, and setting type on a picture."""
