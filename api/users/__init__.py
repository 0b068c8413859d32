"""Users: who registers, signs in, is signed in, and is deleted."""
