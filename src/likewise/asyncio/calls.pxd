# cython: language_level=3
# Types for the compiled build of calls.py; the code is there.

from likewise.broker.core cimport Broker
from likewise.broker.events cimport CallReceived


cdef class Calls:
    cdef readonly object endpoint
    cdef readonly object loop
    cdef public object line
    cdef public Broker broker
    cdef readonly object backlog
    cdef public object unread
    cdef readonly object streams
    cdef readonly bint awaits_first_step
    cdef public bint is_ended
    cdef readonly Py_ssize_t one_way_failures
    cdef public object peer
    cdef public object address

    cpdef run(self, CallReceived call)
    cpdef answer(self, CallReceived call, value)


cdef run_method(CallReceived call)
