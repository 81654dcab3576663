"""The Postcards language service."""
