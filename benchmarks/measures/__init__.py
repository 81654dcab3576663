"""How good drawn pictures are, in numbers; `docs/decisions/0012-how-the-model-is-measured.md` says why these."""
