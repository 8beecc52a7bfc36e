"""How good the scorer is, on texts that it was not trained on, and whether a new one may take its place."""
