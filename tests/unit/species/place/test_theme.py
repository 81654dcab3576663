"""A theme is any text, and always says something visible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postcards_species.place.theme import MAX_THEME_LENGTH, WORDS, Theme, read_theme
from postcards_species.speech.phrase import Mood
from postcards_species.surroundings import Finish, TimeOfDay, Weather


@given(st.text(max_size=300))
def test_any_text_is_read_the_same_way_twice(text: str) -> None:
    theme = read_theme(text)
    assert theme == read_theme(text)
    assert theme.hue is None or 0 <= theme.hue <= 1
    assert theme.density is None or 0 <= theme.density <= 1


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=MAX_THEME_LENGTH))
def test_text_with_letters_asks_for_something(text: str) -> None:
    assert not read_theme(text).empty


@pytest.mark.parametrize("text", ["", " ", "...", "!?", "\n\t", "___"])
def test_text_without_letters_asks_for_nothing(text: str) -> None:
    assert read_theme(text) == Theme()


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_of_the_table_has_its_effect(word: str) -> None:
    expected = WORDS[word]
    theme = read_theme(f"the {word.upper()}!")
    assert theme.recognised == (word,)
    for choice in ("time_of_day", "weather", "finish", "hue", "density", "moods", "intents"):
        assert getattr(theme, choice) == getattr(expected, choice), choice
    assert not expected.empty


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_of_the_table_changes_the_picture(word: str) -> None:
    asked = WORDS[word]
    assert (asked.time_of_day, asked.weather, asked.finish, asked.hue, asked.density) != (None,) * 5


@pytest.mark.parametrize(
    ("text", "hour", "weather", "finish"),
    [
        ("stormy night", TimeOfDay.NIGHT, Weather.STORM, None),
        ("Nights of STORMS", TimeOfDay.NIGHT, Weather.STORM, None),
        ("sunny", TimeOfDay.DAY, Weather.CLEAR, None),
        ("foggy", None, Weather.MIST, None),
        ("a starry field-guide", TimeOfDay.NIGHT, Weather.CLEAR, Finish.FIELD_PLATE),
        ("camera trap", None, None, Finish.CAMERA_TRAP),
        ("Risograph", None, None, Finish.RISOGRAPH),
        ("snowing at dâwn", TimeOfDay.DAWN, Weather.DRIFT, None),
        ("from my hell", TimeOfDay.DUSK, Weather.DRIFT, None),
        ("greetings from the deep sea", TimeOfDay.NIGHT, Weather.DRIFT, None),
    ],
)
def test_words_are_found_in_other_clothes(
    text: str, hour: TimeOfDay | None, weather: Weather | None, finish: Finish | None
) -> None:
    theme = read_theme(text)
    assert (theme.time_of_day, theme.weather, theme.finish) == (hour, weather, finish)


def test_the_first_word_wins_and_the_others_fill_in() -> None:
    theme = read_theme("midnight picnic at noon in the rain, sad and curious")
    assert theme.time_of_day is TimeOfDay.NIGHT
    assert theme.weather is Weather.RAIN
    assert theme.moods == (Mood.SORROWFUL, Mood.CURIOUS)


def test_unknown_words_decide_everything_visible() -> None:
    themes = [read_theme(f"zorblax{n}") for n in range(60)]
    assert all(None not in (t.time_of_day, t.weather, t.finish, t.hue) for t in themes)
    assert {t.time_of_day for t in themes} == set(TimeOfDay)
    assert {t.weather for t in themes} == set(Weather)
    assert {t.finish for t in themes} == set(Finish)


def test_unknown_words_do_not_depend_on_case_or_punctuation() -> None:
    assert read_theme("Zorblax, quux!") == read_theme("zorblax quux")


def test_only_the_first_characters_count() -> None:
    assert read_theme("x" * MAX_THEME_LENGTH + " night") == read_theme("x" * MAX_THEME_LENGTH)
