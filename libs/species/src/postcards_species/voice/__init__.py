"""The vocal tract, from the parents' voices."""
