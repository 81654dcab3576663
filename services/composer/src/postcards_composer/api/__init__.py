"""The composer's gRPC API, and what may be done with postcards."""
