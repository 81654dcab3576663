"""The life of a server process: start, load, serve, drain, stop."""
