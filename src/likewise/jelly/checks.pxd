# cython: language_level=3
# Types for the compiled build of checks.py; the code is there.

cimport cython


cdef class Check:
    cdef readonly str expected
    cdef readonly tuple classes
    cdef readonly object only
    cdef public bint floats

    cpdef bint holds(self, value, seen) except -1
    cpdef offender(self, value, seen)
    cpdef to_float(self, value, seen, bint in_place)


cdef class Items(Check):
    cdef readonly tuple parts

    @cython.locals(known=tuple)
    cpdef bint holds(self, value, seen) except -1
    @cython.locals(part=Check)
    cdef bint _all_hold(self, value, seen) except -1
    @cython.locals(part=Check, made=list)
    cdef _with_floats(self, value, kind, seen, bint in_place)
    cdef tuple _columns(self, value)


cdef class Fixed(Check):
    cdef readonly tuple before
    cdef readonly bint has_rest
    cdef readonly Check rest
    cdef readonly tuple after

    @cython.locals(known=tuple)
    cpdef bint holds(self, value, seen) except -1
    cdef bint _all_hold(self, value, seen) except -1
    cdef _with_floats(self, value, seen, bint in_place)
    cdef bint _fits(self, value) except -1
    cdef tuple _parts(self, Py_ssize_t size)


cdef class KeysCheck(Check):
    cdef public dict parts
    cdef public object required


cdef class Either(Check):
    cdef readonly tuple parts


cdef class Literal(Check):
    cdef readonly tuple values


cdef class Named(Check):
    cdef public Check target


cdef class Fields:
    cdef readonly str owner
    cdef readonly dict exact
    cdef readonly dict checks
    cdef readonly tuple floats

    @cython.locals(check=Check)
    cpdef admit(self, dict state, seen)
    @cython.locals(check=Check)
    cpdef to_floats(self, dict state, seen)
