"""In-flight batching: rows of many calls that share the steps of one model."""
