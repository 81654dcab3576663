"""A composer that plays a script."""

from fake_composer import composer, refused

__all__ = ["composer", "refused"]
