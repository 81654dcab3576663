"""What every command is run with: its options, its session, its exit code."""
