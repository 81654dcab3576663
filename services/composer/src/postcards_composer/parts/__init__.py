"""The part services: what they are asked, how often, and what their failures mean."""
