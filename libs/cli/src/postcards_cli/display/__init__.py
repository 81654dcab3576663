"""What the terminal shows while something is made, and when it is done."""
