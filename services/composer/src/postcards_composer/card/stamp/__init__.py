"""The stamp and the postmark."""
