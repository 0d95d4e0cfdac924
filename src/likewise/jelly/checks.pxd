# cython: language_level=3
# Types for the compiled build of checks.py; the code is there.

cimport cython


cdef class Check:
    cdef readonly str expected
    cdef readonly tuple classes
    cdef readonly object only

    cpdef bint holds(self, value, seen) except -1
    cpdef offender(self, value, seen)


cdef class Items(Check):
    cdef readonly tuple parts

    @cython.locals(known=tuple)
    cpdef bint holds(self, value, seen) except -1
    @cython.locals(part=Check)
    cdef bint _all_hold(self, value, seen) except -1
    cdef tuple _columns(self, value)


cdef class Fixed(Check):
    cdef readonly tuple parts


cdef class Either(Check):
    cdef readonly tuple parts


cdef class Literal(Check):
    cdef readonly tuple values


cdef class Fields:
    cdef readonly str name
    cdef readonly dict exact
    cdef readonly dict checks

    @cython.locals(check=Check)
    cpdef admit(self, dict state, seen)
