"""Many postcards at once, and a page that shows them."""
