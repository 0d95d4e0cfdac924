# cython: language_level=3
# Types for the compiled build of names.py; the code is there.

cpdef str method_name(bytes raw, Py_ssize_t limit)
