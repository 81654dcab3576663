"""The Postcards audio service."""
