"""The command line: ``likewise demo``, ``likewise call``, ``likewise decode``."""
