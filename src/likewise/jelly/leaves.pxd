# cython: language_level=3
# Types for the compiled build of leaves.py; the code is there.

cimport cython

from likewise.jelly.graph cimport Graph, Pending
from likewise.wire cimport native
from likewise.wire.keys cimport keyed


cdef long long LARGE_NUMBER
cdef long long ENDLESS
cdef Py_ssize_t BYTES_OF_SET, BYTES_OF_MEMBER, BYTES_OF_REFERENCE
cdef Py_ssize_t ITEMS_OF_SET, ITEMS_OF_REFERENCE, ITEMS_OF_TIME, ITEMS_OF_DECIMAL, ITEMS_OF_ODD


cdef class Leaves(Graph):
    cdef readonly object tables
    cdef public object perspective
    cdef object _exponent_limit

    @cython.locals(data=bytes, pos=Py_ssize_t, next_large=Py_ssize_t)
    cdef _basic(self, int code, Py_ssize_t count, Py_ssize_t start)
    @cython.locals(kind=cython.int, number=cython.longlong, key=cython.longlong)
    cdef _again(self, Py_ssize_t count, Py_ssize_t start)
    @cython.locals(kind=cython.int)
    cdef _by_id(self, int code, Py_ssize_t count, Py_ssize_t start)
    cdef _spelled(self, int code, Py_ssize_t count, Py_ssize_t start)
    cdef _spend_on_set(self, Py_ssize_t count)
