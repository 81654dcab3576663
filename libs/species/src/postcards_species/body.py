"""The shape and skin of a species."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class BodyPlan:
    """The plan of a body, mixed from the traits of its parents and bent."""

    pose_seed: int = field(metadata={"ge": 0, "le": 2**64 - 1})
    """Seed of the pose."""
