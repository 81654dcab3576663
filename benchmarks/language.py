"""How fast species and phrases are made, how varied they are, and how unlike two tongues are. Prints a table."""

import time
from collections import Counter
from itertools import combinations

from postcards_language.engine import PhrasesRequest
from postcards_language.engines.phonotactic import PhonotacticEngine
from postcards_language.realisation.lexicon import Lexicon
from postcards_serving.engine.work import Work
from postcards_species.ancestry.parents import choose_parents
from postcards_species.speech.derive import derive_phonology
from postcards_species.speech.english import reads_as_english
from postcards_species.speech.naming import coin_name
from postcards_species.speech.phonology import Phonology
from postcards_species.speech.phrase import Phrase

TONGUES = 1000
SPEAKERS = 24
PHRASES = 16


def trigrams(phrases: tuple[Phrase, ...]) -> Counter[str]:
    text = " ".join(phrase.animal_text.lower() for phrase in phrases)
    return Counter(text[i : i + 3] for i in range(len(text) - 2))


def distance(one: Counter[str], other: Counter[str]) -> float:
    dot = sum(count * other[gram] for gram, count in one.items())
    norms = [sum(count * count for count in profile.values()) ** 0.5 for profile in (one, other)]
    return 1 - dot / (norms[0] * norms[1])


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def main() -> None:
    rows: list[tuple[str, str]] = []
    coin_name(derive_phonology(0, choose_parents(0)))

    begun = time.process_time()
    tongues: list[Phonology] = [derive_phonology(seed, choose_parents(seed)) for seed in range(TONGUES)]
    rows.append(("tongue", f"{(time.process_time() - begun) / TONGUES * 1e3:.2f} ms"))

    begun = time.process_time()
    names = [coin_name(phonology) for phonology in tongues]
    rows.append(("name", f"{(time.process_time() - begun) / TONGUES * 1e3:.2f} ms"))
    rows.append((f"names that collide among {TONGUES}", f"{TONGUES - len(set(names))}"))

    begun = time.process_time()
    for phonology in tongues[:SPEAKERS]:
        Lexicon(phonology)
    rows.append(("lexicon", f"{(time.process_time() - begun) / SPEAKERS * 1e3:.1f} ms"))

    engine = PhonotacticEngine()
    requests = [PhrasesRequest(tongues[seed], names[seed], seed=seed, count=PHRASES) for seed in range(SPEAKERS)]
    for request in requests:
        engine.generate(request, Work())
    begun = time.process_time()
    said = [engine.generate(request, Work()).phrases for request in requests]
    rows.append(("phrase", f"{(time.process_time() - begun) / SPEAKERS / PHRASES * 1e3:.2f} ms"))

    words = {word.text for phrases in said for phrase in phrases for word in phrase.words}
    rows.append((f"English among {len(words)} words", str(sum(reads_as_english(word) for word in words))))
    meanings = {phrase.english_gloss for phrases in said for phrase in phrases}
    rows.append((f"different meanings among {SPEAKERS * PHRASES} phrases", str(len(meanings))))

    halves = [(trigrams(phrases[::2]), trigrams(phrases[1::2])) for phrases in said]
    within = mean([distance(*pair) for pair in halves])
    between = mean([distance(halves[a][0], halves[b][1]) for a, b in combinations(range(SPEAKERS), 2)])
    nearest = sum(
        min(range(SPEAKERS), key=lambda other, i=i: distance(halves[i][0], halves[other][1])) == i
        for i in range(SPEAKERS)
    )
    rows.append(("trigram distance within a tongue", f"{within:.2f}"))
    rows.append(("trigram distance between two tongues", f"{between:.2f}"))
    rows.append(("half sheets matched to their other half", f"{nearest} of {SPEAKERS}"))

    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


if __name__ == "__main__":
    main()
