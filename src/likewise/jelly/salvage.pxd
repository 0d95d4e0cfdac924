# cython: language_level=3
# Types for the compiled build of salvage.py; the code is there.

cimport cython

from likewise.wire.framer cimport Frame
from likewise.wire.reader cimport Reader


cdef long long LARGE_NUMBER


cdef class Salvage(Reader):
    cdef readonly list caches
    cdef readonly list references
    cdef Py_ssize_t not_before

    cpdef Salvage walk(self)
    @cython.locals(data=bytes, pos=Py_ssize_t, number=cython.longlong, shift=cython.int)
    cdef int _long_token(self) except -1
    @cython.locals(kind=cython.int, number=Py_ssize_t, place=Py_ssize_t, items_read=Py_ssize_t, _=Py_ssize_t)
    cdef _expression(self, bint is_pair)
    @cython.locals(kind=cython.int, start=Py_ssize_t)
    cdef int _id(self, bytes word, Py_ssize_t count, Py_ssize_t place) except -1
