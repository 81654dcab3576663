"""The body plan, from the parents' bodies."""
