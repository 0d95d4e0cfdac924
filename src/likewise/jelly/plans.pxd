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
    cdef public bint has_slots
    cdef public Py_ssize_t seen_in
    cdef public tuple set_by
    cdef public object required
    cdef public dict defaults
    cdef public bint is_strict
    cdef public Fields fields

    cpdef _read_fields(self)
    cpdef look_again(self, Py_ssize_t message)
    cpdef str admit(self, bytes raw)
    cpdef learn(self, bytes head, str name)
    cpdef build(self, dict state)
    cpdef admit_values(self, dict state, seen)
    cpdef set_again(self, instance, dict changed)
    cpdef fill(self, instance, state)


cdef class Outgoing:
    cdef public str name
    cdef public bint is_strict
    cdef public bytes head
    cdef public tuple fields
    cdef public tuple pairs
    cdef public bint is_plain


cdef class Plain:
    cdef public bytes head
    cdef public tuple hooks
    cdef public Py_ssize_t seen_in

    cpdef bint holds(self, cls) except -1
