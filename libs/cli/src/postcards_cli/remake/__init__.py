"""Making the parts of a postcard again, and comparing them with those that are kept."""
