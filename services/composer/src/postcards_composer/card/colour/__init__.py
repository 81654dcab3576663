"""The colours of a card."""
