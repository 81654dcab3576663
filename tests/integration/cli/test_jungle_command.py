"""`postcards jungle` against a scripted composer."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from postcards.composer.v1 import composer_pb2 as pb


class Page(HTMLParser):
    """The links and pictures of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.text = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag == "img":
            self.pictures.append(dict(attrs))

    def handle_data(self, data):
        self.text += data


def creates(composer) -> list:
    return [request for request in composer.requests if isinstance(request, pb.CreatePostcardRequest)]


async def test_a_jungle_has_a_page_that_links_every_card(postcards, composer):
    folder = composer.folder
    run = await postcards("jungle", "--count", "5", "--seed", "3", "--theme", "fog & <b>", "--out", str(folder))
    assert run.exit_code == 0
    index = Path(run.out.splitlines()[-1])
    assert index == folder / "index.html"
    page = Page(index)
    assert len(page.links) == len(set(page.links)) == 5
    assert all((folder / unquote(link)).is_file() and not link.startswith(("/", "file:")) for link in page.links)
    assert all(picture["alt"] == "A six-legged animal in the reeds." for picture in page.pictures)
    assert "fog & <b>" in page.text
    assert len({request.seed for request in creates(composer)}) == 5


async def test_files_from_elsewhere_are_brought_to_the_folder(postcards, tmp_path):
    run = await postcards("jungle", "--count", "2", "--seed", "3", "--out", "copy", "--json")
    assert run.exit_code == 0
    page = Page(tmp_path / "copy" / "index.html")
    assert all((tmp_path / "copy" / unquote(link)).is_file() for link in page.links)
    assert all(unquote(link).startswith("postcards/") for link in page.links)


async def test_running_again_makes_only_what_is_missing(postcards, composer):
    arguments = ("jungle", "--seed", "3", "--out", str(composer.folder), "--json")
    first = (await postcards(*arguments, "--count", "2")).json
    assert (first["made"], first["complete"], first["state"]) == (2, 2, "ACTIVE")
    second = (await postcards(*arguments, "--count", "3")).json
    assert (second["made"], second["complete"]) == (1, 3)
    assert [p["id"] for p in second["postcards"]][:2] == [p["id"] for p in first["postcards"]]
    assert len(composer.postcards) == 3


async def test_without_a_seed_the_jungle_in_the_folder_goes_on(postcards, composer):
    arguments = ("jungle", "--count", "2", "--out", str(composer.folder), "--json")
    first = (await postcards(*arguments, "--theme", "fog")).json
    second = (await postcards(*arguments, "--seed", "")).json
    assert second["seed"] == first["seed"]
    assert second["theme"] == "fog"
    assert second["made"] == 0


async def test_partial_postcards_are_shown_and_repaired(postcards, composer):
    arguments = ("jungle", "--count", "2", "--seed", "3", "--out", str(composer.folder))
    planned = await postcards(*arguments, "--json")
    victim = creates(composer)[0].request_id
    composer.postcards.clear()
    composer.failing.add(victim)
    run = await postcards(*arguments, "--json")
    assert run.exit_code == 3
    assert (run.json["state"], run.json["complete"]) == ("PARTIAL", 1)
    assert "Still missing: the call" in Page(composer.folder / "index.html").text
    again = await postcards(*arguments, "--json")
    assert again.exit_code == 0
    assert [p["id"] for p in again.json["postcards"]] == [p["id"] for p in planned.json["postcards"]]
    assert "Still missing" not in Page(composer.folder / "index.html").text


async def test_progress_counts(postcards, composer):
    run = await postcards("jungle", "--count", "3", "--seed", "1", "--out", str(composer.folder))
    assert "3 of 3: Grraukh-tok (active)" in run.err
    assert "3 of 3 postcards are complete" in run.out
