"""One seed, one imagined species: pure values, standard library only."""
