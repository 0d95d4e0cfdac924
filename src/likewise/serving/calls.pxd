# cython: language_level=3
# calls.py is compiled as it is: drivers derive from its class.
