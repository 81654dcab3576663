"""What an engine is, what it is handed, and how its calls are admitted and run."""
