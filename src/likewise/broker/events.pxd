# cython: language_level=3
# Types for the compiled build of events.py; the code is there.


cdef class CallReceived:
    cdef readonly object request
    cdef readonly object target
    cdef public str name
    cdef public object args
    cdef public object kwargs
    cdef readonly object perspective
    cdef readonly bint want_answer
    cdef readonly bint is_raw
    cdef readonly Py_ssize_t weight

    cpdef method(self)


cpdef CallReceived call_received(request, target, str name, args, kwargs, perspective, bint want_answer, bint is_raw, Py_ssize_t weight)
