# cython: language_level=3
# calls.py is compiled as it is: one of its classes is a Future.
