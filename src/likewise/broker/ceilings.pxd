# cython: language_level=3
# Types for the compiled build of ceilings.py; the code is there.


cdef class Ceilings:
    cdef readonly object dialect
    cdef readonly object limits
    cdef readonly object encoder
    cdef readonly object whose
    cdef readonly object at_most
    cdef readonly Py_ssize_t depth
    cdef readonly Py_ssize_t bytes_limit
    cdef readonly Py_ssize_t items_limit
    cdef readonly Py_ssize_t name_limit

    cpdef measure(self, list pieces, bint is_to_be_framed)
