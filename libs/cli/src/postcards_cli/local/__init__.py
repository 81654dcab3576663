"""The four services as child processes on this machine."""
