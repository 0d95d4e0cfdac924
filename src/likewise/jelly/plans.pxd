# cython: language_level=3
# Types for the compiled build of plans.py; the code is there.

cimport cython


cdef class Incoming:
    cdef public int kind
    cdef public object make
    cdef public dict names
    cdef public list shape
    cdef public bint post
    cdef public object required
    cdef public dict defaults

    cpdef _read_fields(self)
    cpdef str admit(self, bytes raw)
    cpdef learn(self, bytes head, str name)
    cpdef build(self, dict state)
    cpdef fill(self, instance, state)


cdef class Outgoing:
    cdef public str name
    cdef public bytes head
    cdef public tuple fields
