"""The body, part by part."""
