"""A chat completions API: calls, retries, limits, failures."""
