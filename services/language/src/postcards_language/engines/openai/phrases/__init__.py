"""What a language model is asked for phrases, and what is made of its answers."""
