"""Finding the files of a model, and telling what they were."""
