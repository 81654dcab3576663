"""The weights of model engines: which there are, whether they are on this machine, and how they come there."""
