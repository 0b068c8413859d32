"""Who calls: users, their passwords, sessions and tokens."""
