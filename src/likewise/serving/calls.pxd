# cython: language_level=3
# Types for the compiled build of calls.py; the code is there.

from likewise.broker.core cimport Broker
from likewise.broker.events cimport CallReceived


cdef class CallHandler:
    cdef public Broker broker
    cdef public object backlog
    cdef public object unread

    cpdef call_method(self, CallReceived call)
    cpdef run(self, CallReceived call)
    cpdef answer(self, CallReceived call, value)
