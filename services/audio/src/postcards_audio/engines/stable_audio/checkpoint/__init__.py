"""A Stable Audio checkpoint: its files, its parts, its network."""
