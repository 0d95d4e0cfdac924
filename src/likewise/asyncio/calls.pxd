# cython: language_level=3
# Types for the compiled build of calls.py; the code is there.

from likewise.broker.events cimport CallReceived
from likewise.serving.calls cimport CallHandler


cdef class Calls(CallHandler):
    cdef readonly object endpoint
    cdef readonly object loop
    cdef public object line
    cdef readonly object streams
    cdef readonly bint awaits_first_step
    cdef public bint is_ended
    cdef readonly Py_ssize_t one_way_failures
    cdef public object peer
    cdef public object address

    cpdef call_method(self, CallReceived call)


cdef run_method(CallReceived call)
