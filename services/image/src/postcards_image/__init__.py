"""The Postcards image service."""
