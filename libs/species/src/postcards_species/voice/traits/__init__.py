"""What is known of the voices of real animals."""
