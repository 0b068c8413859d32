"""Orders of users with stored keys of an outside venue: asked for and read here, carried out by the venue worker."""
