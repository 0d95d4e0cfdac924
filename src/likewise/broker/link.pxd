# cython: language_level=3
# Types for the compiled build of link.py; the code is there.

from likewise.wire.framer cimport Frame, Framer


cdef class Link(Framer):
    cdef object _side
    cdef object _greeting
    cdef public tuple dialects
    cdef readonly object state

    cpdef bint start(self) except -1
    cpdef greet(self, Frame frame, registry, limits)
    cpdef bytes take_greeting(self)
    cpdef accept(self, limits, dialect)
    cdef _move(self, sender, move)
