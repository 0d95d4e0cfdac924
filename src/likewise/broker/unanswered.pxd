# cython: language_level=3
# Types for the compiled build of unanswered.py; the code is there.


cdef class Unanswered:
    cdef public Py_ssize_t next_number
    cdef readonly dict results

    cpdef add(self, number, result)
    cpdef take(self, number)
    cpdef list take_all(self)
