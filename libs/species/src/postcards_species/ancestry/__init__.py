"""The parents: real animals, how they are chosen and mixed."""
