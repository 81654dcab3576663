"""How the species speaks: phonemes, phonology, spelling, its name."""
