"""The Postcards language service: what an animal says, and what it means."""
