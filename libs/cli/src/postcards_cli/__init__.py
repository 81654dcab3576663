"""The `postcards` command."""
