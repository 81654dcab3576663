"""From a body to a lit picture of it."""
