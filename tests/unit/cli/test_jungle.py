"""The roster of a jungle, and its page."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from postcards.composer.v1 import composer_pb2 as pb
from postcards.species.v1 import phrase_pb2, species_pb2

from postcards_cli.jungle.growing import Grown
from postcards_cli.jungle.page import Entry, page, write_page
from postcards_cli.jungle.roster import RECORD, Roster, roster_for, write_record

rosters = st.builds(
    Roster,
    st.integers(0, 2**64 - 1),
    st.text(max_size=20),
    st.none() | st.floats(0, 1),
)


@given(rosters, st.integers(0, 10_000))
def test_members_are_what_the_roster_says(roster, index):
    member = roster.member(index)
    assert member == Roster(roster.seed, roster.theme, roster.strangeness).member(index)
    assert 0 <= member.seed < 2**64
    assert len(member.request_id) <= 128
    assert set(member.request_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@given(rosters)
def test_members_differ(roster):
    members = [roster.member(index) for index in range(50)]
    assert len({member.seed for member in members}) == len({member.request_id for member in members}) == 50


@given(rosters, rosters)
def test_other_settings_ask_for_other_postcards(one, other):
    assert (one.member(0).request_id == other.member(0).request_id) == (one == other)


@given(roster=rosters)
def test_the_record_is_read_back(tmp_path_factory, roster):
    folder = tmp_path_factory.mktemp("jungle")
    write_record(folder, roster)
    assert roster_for(folder, None, "", None) == roster


def test_options_win_over_the_record(tmp_path):
    write_record(tmp_path, Roster(5, "fog", 0.25))
    assert roster_for(tmp_path, None, "sun", None) == Roster(5, "sun", 0.25)
    assert roster_for(tmp_path, 6, "", None) == Roster(6, "", None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seed": "x", "theme": ""}', '{"seed": 1, "theme": 2}', "\udcff"])
def test_a_broken_record_is_no_jungle(tmp_path, text):
    (tmp_path / RECORD).write_bytes(text.encode("utf-8", "surrogateescape"))
    first, second = roster_for(tmp_path, None, "", None), roster_for(tmp_path, None, "", None)
    assert first.seed != second.seed


class Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def entry(folder, name="Grra", alt="An animal.", gloss="Come.", failed=False) -> Entry:
    postcard = pb.Postcard(
        id="a" * 26,
        species=species_pb2.Species(name=name, binomial="Okapo b"),
        phrase=phrase_pb2.Phrase(animal_text="hrr", english_gloss=gloss),
        alt_text=alt,
    )
    for kind in (pb.PART_KIND_IMAGE, pb.PART_KIND_LANGUAGE, pb.PART_KIND_AUDIO):
        state = pb.PART_STATE_FAILED if failed and kind == pb.PART_KIND_AUDIO else pb.PART_STATE_DONE
        postcard.parts.add(kind=kind, state=state)
    home = folder / "postcards" / postcard.id
    return Entry(Grown(Roster(1).member(0), postcard), home / "card.html", None if failed else home / "preview.webp")


@given(name=st.text(min_size=1), alt=st.text(min_size=1), gloss=st.text(), theme=st.text(max_size=200))
def test_no_text_becomes_markup(tmp_path_factory, name, alt, gloss, theme):
    folder = tmp_path_factory.getbasetemp()
    reader = Reader(page(folder, Roster(1, theme), [entry(folder, name, alt, gloss)]))
    plain = Reader(page(folder, Roster(1, ""), [entry(folder, "n", "a", gloss and "g")]))
    assert reader.tags == plain.tags
    assert ("img", "alt", alt) in reader.attributes


def test_attacks_are_only_text(tmp_path):
    attack = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"
    html = page(tmp_path, Roster(1, attack), [entry(tmp_path, attack, '" onload="x', attack)])
    reader = Reader(html)
    assert "script" not in reader.tags
    assert not [a for a in reader.attributes if a[1].startswith("on")]
    assert "default-src 'none'" in html


def test_links_are_relative_and_escaped(tmp_path):
    folder = tmp_path / 'a "b" & #c'
    folder.mkdir()
    reader = Reader(page(folder, Roster(1), [entry(folder)]))
    assert ("a", "href", f"postcards/{'a' * 26}/card.html") in reader.attributes
    assert ("img", "src", f"postcards/{'a' * 26}/preview.webp") in reader.attributes


def test_what_is_missing_is_said(tmp_path):
    reader = Reader(page(tmp_path, Roster(1), [entry(tmp_path, failed=True)]))
    assert "Still missing: the call" in reader.text
    assert "no picture yet" in reader.text


def test_what_could_not_be_made_is_left_out(tmp_path):
    failed = Entry(Grown(Roster(1).member(1), None, "no"), None, None)
    path = write_page(tmp_path, Roster(1), [entry(tmp_path), failed])
    assert "1 postcard from animals" in path.read_text("utf-8")


def test_the_page_stands_on_its_own(tmp_path):
    html = page(tmp_path, Roster(1, "fog"), [entry(tmp_path)])
    assert "http:" not in html
    assert "https:" not in html
    assert '<html lang="en">' in html
    assert "<h1>A jungle: fog</h1>" in html
