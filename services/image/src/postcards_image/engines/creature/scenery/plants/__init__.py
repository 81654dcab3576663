"""Everything that is planted: trees, leaves, fungi, corals, stones."""
