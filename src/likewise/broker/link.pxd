# cython: language_level=3
# Types for the compiled build of link.py; the code is there.

from likewise.wire.framer cimport Frame, Framer


cdef class Link:
    cdef Framer _framer
    cdef object _side
    cdef object _greeting
    cdef public tuple dialects
    cdef readonly object state

    cpdef bint start(self) except -1
    cpdef greet(self, Frame frame, registry, limits)
    cpdef bytes take_greeting(self)
    cpdef feed(self, bytes data)
    cpdef Frame next_frame(self)
    cpdef hold_to(self, limits, dialect)
    cdef _move(self, sender, move)
