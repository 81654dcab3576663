"""The recipes of the biomes."""
