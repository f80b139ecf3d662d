"""The story of one trial: what happened to it, what is unusual in it, what trials like it did, what to do next."""
