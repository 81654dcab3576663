"""What is known of the bodies of real animals."""
