"""What every request passes, whoever sends it and whatever it asks for: limits, exact numbers, problems, metrics."""
