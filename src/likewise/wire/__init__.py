"""BYTES <-> TOKENS: banana, the token layer. Knows no object."""
