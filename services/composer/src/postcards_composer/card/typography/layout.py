"""How the front of a card is divided: what the picture leaves for the name."""

from postcards_composer.card.typography.typefaces import Face, width_in_ems

BLEED_ASPECT = 1.2
"""Pictures at least this wide for their height fill the whole front."""
_LONG_EMS = 5.5


def name_lines(name: str) -> list[str]:
    """The name as it is set on the front: a long one breaks at the joint that is nearest to its middle."""
    for joint in ("-", " "):
        if joint in name and width_in_ems(Face.DISPLAY, name) > _LONG_EMS:
            joints = [place for place, letter in enumerate(name) if letter == joint]
            middle = min(joints, key=lambda place: abs(place - len(name) / 2))
            return [line for line in (name[: middle + 1].strip(), name[middle + 1 :].strip()) if line]
    return [name]
