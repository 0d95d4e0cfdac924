# cython: language_level=3
# Types for the compiled build of reader.py; the code is there.

cimport cython

from likewise.wire.framer cimport Frame


cdef class Reader:
    cdef bytes _data
    cdef list _large
    cdef Py_ssize_t _next_large
    cdef Py_ssize_t _pos
    cdef readonly Py_ssize_t end

    cpdef Py_ssize_t read_list(self) except -1
    cpdef bytes read_bytes(self)
    cpdef read_int(self)
    cpdef read_leaf(self)
    cpdef read_expression(self)
    @cython.locals(data=bytes, first=Py_ssize_t, pos=Py_ssize_t)
    cpdef tuple _prefix(self)
    cpdef _body(self, number, int kind)
    @cython.locals(start=Py_ssize_t)
    cpdef bytes _string(self, Py_ssize_t size)
