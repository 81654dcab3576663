"""Loudness, peaks, and the files of a finished call."""
