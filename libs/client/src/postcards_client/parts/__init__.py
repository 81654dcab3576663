"""The part services (image, audio, language): one call of each, checked, and the making of a part again."""
