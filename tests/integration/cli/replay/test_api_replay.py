"""A phrase that came from a model behind an API, asked for again."""

from chat_server import phrases, proposal, say, serving
from postcards_language.engines.openai import Endpoint, OpenAiEngine

SAID = phrases(proposal("hunter", "come"))
OTHERWISE = phrases(proposal("moon", "rise", gloss="The moon rises."))


async def test_a_phrase_of_an_api_is_asked_for_again_and_another_one_is_no_surprise(open_studio):
    with serving() as script:
        script.then(say(SAID))
        engine = OpenAiEngine(Endpoint("m", script.url, "sk-test-0123456789abcdefghij"))
        studio = await open_studio(language_engine=engine)
        folder = await studio.made(seed=7)
        assert len(script.asked) == 1

        run = await studio.run("verify", str(folder), "--part", "language", "--json")
        assert (run.json["verdict"], run.exit_code) == ("equal", 0), run.err
        assert len(script.asked) == 2
        assert script.asked[0]["messages"] == script.asked[1]["messages"]

        script.answers.clear()
        script.then(say(OTHERWISE))
        plain = await studio.run("verify", str(folder), "--part", "language", "--quiet")
        assert plain.exit_code == 1
        lines = [line.strip() for line in plain.out.splitlines()]
        assert lines[1:3] == ["phrase: different", "by openai 1 with m"]
        assert "a model behind an API need not say the same twice: what is kept is the original" in lines
        assert "phrase.json: 2 of 2 words are others" in lines

        again = await studio.run("replay", str(folder), "--part", "language", "--out", "again", "--json")
        assert again.exit_code == 0
        (file,) = again.json["parts"]["language"]["files"].values()
        assert file["same"] is False
        assert "sk-test" not in plain.out + run.out + again.out
        engine.close()
