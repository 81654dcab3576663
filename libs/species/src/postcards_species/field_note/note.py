"""The note that a naturalist left about a species."""

from collections.abc import Sequence

from postcards_species.ancestry.animals import ANIMALS
from postcards_species.ancestry.parents import Parent
from postcards_species.body.plan import BodyPlan
from postcards_species.field_note.anatomy import features_of, name_feature, remarks_on
from postcards_species.field_note.parents import GIFTS, plural_of, with_article
from postcards_species.field_note.sentences import DETAILS, FEATURE_OPENINGS, HABITS, OPENINGS, PLACES
from postcards_species.field_note.speech import remarks_on_speech
from postcards_species.speech.naming import capitalised
from postcards_species.speech.phonology import Phonology
from postcards_species.streams import Stream
from postcards_species.surroundings import Biome

_FEATURE_OPENING_SHARE = 0.45


def write_field_note(
    seed: int,
    name: str,
    parents: Sequence[Parent],
    temperament: Sequence[str],
    body_plan: BodyPlan,
    phonology: Phonology,
    biome: Biome,
) -> str:
    """Three sentences about the species of `seed`, at most 600 characters: looks, life and one surprise.

    What it says of ancestry, home and habits is the same at any strangeness; what it says of the body is of this body.
    """
    features = features_of(body_plan)
    opening, used = _opening(Stream(seed, "note/opening"), name, parents, body_plan, features)
    habit = _habit(Stream(seed, "note/habit"), parents, temperament, biome)
    rest = [feature for feature in features if feature not in used] or features
    ending = _ending(Stream(seed, "note/ending"), rest, body_plan, phonology)
    return f"{opening} {habit} {ending}"


def _opening(
    stream: Stream, name: str, parents: Sequence[Parent], plan: BodyPlan, features: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """The first sentence, and the features that it has used up."""
    one, other = parents[0].animal, parents[1].animal
    gift = stream.choice(GIFTS[one])
    other_gift = stream.choice([gift_ for gift_ in GIFTS[other] if gift_ != gift])
    used: tuple[str, ...] = ()
    line = stream.choice(OPENINGS)
    about_body = stream.choice(FEATURE_OPENINGS)
    picked = stream.sample(features[:5], 2)
    if len(picked) == 2 and stream.chance(_FEATURE_OPENING_SHARE):
        line, used = about_body, tuple(picked)
    feature, second = (name_feature(key, plan) for key in picked) if len(picked) == 2 else ("", "")
    text = line.format(
        name=name,
        one=with_article(one),
        other=with_article(other),
        bare_one=one,
        bare_other=other,
        ones=plural_of(one),
        others=plural_of(other),
        gift=gift,
        other_gift=other_gift,
        feature=feature,
        second_feature=second,
    )
    return text, used


def _habit(stream: Stream, parents: Sequence[Parent], temperament: Sequence[str], biome: Biome) -> str:
    place = stream.choice(PLACES[biome])
    habit = stream.choice(ANIMALS[parents[0].animal].habits)
    other_habit = stream.choice([other for other in ANIMALS[parents[-1].animal].habits if other != habit])
    temper = stream.choice(temperament)
    return stream.choice(HABITS).format(
        place=place,
        Place=capitalised(place),
        habit=habit,
        other_habit=other_habit,
        temper=temper,
        A_temper=capitalised(with_article(temper)),
    )


def _ending(stream: Stream, features: Sequence[str], plan: BodyPlan, phonology: Phonology) -> str:
    kind = stream.weighted(("body", "tongue", "detail"), (4, 2, 4))
    detail = stream.choice(DETAILS)
    if kind == "body" and features:
        return stream.choice(remarks_on(stream.choice(features[:5]), plan))
    if kind == "tongue":
        return stream.choice(remarks_on_speech(phonology))
    return detail
