"""The network that is trained, and what it learns."""
