# cython: language_level=3
# Types for the compiled build of line.py; the code is there.

cimport cython

from likewise.asyncio.calls cimport Calls
from likewise.serving.account cimport Watch
from likewise.broker.core cimport Broker
cdef Py_ssize_t CLOCK_MASK


cdef class Line(Watch):
    cdef object __weakref__
    cdef readonly object owner
    cdef Calls _calls
    cdef readonly object transport
    cdef public object reason
    cdef public object _handshake
    cdef Py_ssize_t _held
    cdef unsigned char _is_pumping  # a bint takes four times as much, for each idle connection
    cdef unsigned char _flush_is_scheduled
    cdef unsigned char _reading_is_paused
    cdef unsigned char _is_counted_out

    @cython.locals(calls=Calls, broker=Broker, handled=Py_ssize_t, held=Py_ssize_t, slice_ends=double)
    cpdef pump(self)
    cdef double _breathe(self, double slice_ends) except -1
    cdef _wait_for_turn(self)
    @cython.locals(calls=Calls, pieces=list)
    cpdef flush(self)
