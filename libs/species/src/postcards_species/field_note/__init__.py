"""What a field guide prints about a species."""
