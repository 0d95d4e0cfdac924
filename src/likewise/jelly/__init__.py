"""TOKENS <-> OBJECTS: jelly, the object layer. Knows no connection."""
