"""How a species says it: its lexicon, and clauses in its grammar."""
