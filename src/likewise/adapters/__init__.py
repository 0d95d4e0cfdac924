"""How types of other packages cross that many programs use; a module for each, imported by who has the package."""
