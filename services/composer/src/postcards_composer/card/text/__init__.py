"""The words of a card."""
