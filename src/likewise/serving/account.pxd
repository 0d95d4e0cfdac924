# cython: language_level=3
# Types for the compiled build of account.py; the code is there.


cdef class Watch:
    cdef public bint heard
    cdef double heard_at
    cdef double message_at
    cdef Py_ssize_t messages

    cpdef begin_watch(self, double now)
    cpdef verdict(self, double now, limits, Py_ssize_t messages, bint is_waiting, bint is_busy)
