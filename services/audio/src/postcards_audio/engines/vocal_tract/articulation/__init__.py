"""What the organs do and when: from phonemes to control tracks."""
