# cython: language_level=3
# Types for the compiled build of plans.py; the code is there.

cimport cython

from likewise.jelly.checks cimport Fields


cdef class Incoming:
    cdef public int kind
    cdef public object make
    cdef public dict names
    cdef public list shape
    cdef public bint post
    cdef public object dict_slot
    cdef public object required
    cdef public dict defaults
    cdef public bint is_strict
    cdef public Fields fields

    cpdef _read_fields(self)
    cpdef str admit(self, bytes raw)
    cpdef learn(self, bytes head, str name)
    cpdef build(self, dict state)
    cpdef admit_values(self, dict state, seen)
    cpdef fill(self, instance, state)


cdef class Outgoing:
    cdef public str name
    cdef public bint is_strict
    cdef public bytes head
    cdef public tuple fields
