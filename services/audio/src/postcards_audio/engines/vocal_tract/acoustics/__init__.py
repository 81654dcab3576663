"""Where a call is heard."""
