"""A postcard as a value: its manifest, and how it changes."""
