"""What users subclass: the flavours of objects that cross. Knows jelly, never the broker."""
