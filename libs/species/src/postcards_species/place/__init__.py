"""Where the animal lives: the scene, and the words of a theme that choose it."""
