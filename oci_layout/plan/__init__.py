"""Plans: what to take, what becomes of each blob, and the new bytes of each document. Pure."""
