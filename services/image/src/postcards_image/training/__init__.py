"""`postcards-train`: from a folder of photographs to a model that draws postcards."""
