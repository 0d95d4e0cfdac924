"""What both drivers need and neither the core nor a driver alone should hold; no I/O."""
