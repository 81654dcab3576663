"""What the body is covered with: skin and its patterns, hair, feathers, scales."""
