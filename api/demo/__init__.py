"""What only the demo profile has."""
