# cython: language_level=3
# by_reference.py is compiled as it is: its classes are for users to derive from, so they stay Python's.
