"""Load for running services: what is asked and when, how it went, and what that says of them."""
