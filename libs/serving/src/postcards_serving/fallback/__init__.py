"""An engine behind an engine."""
