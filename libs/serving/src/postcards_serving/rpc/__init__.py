"""Calls on the wire: messages and values, media, statuses, interceptors, channels."""
