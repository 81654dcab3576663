"""From control tracks to sound."""
