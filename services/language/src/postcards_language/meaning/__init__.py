"""What a phrase means: concepts, clauses of them, and clauses in English."""
