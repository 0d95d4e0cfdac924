# cython: language_level=3
# Types for the compiled build of reader.py; the code is there.

cimport cython

from likewise.wire cimport native
from likewise.wire.framer cimport Frame

cdef long long LARGE_NUMBER
cdef tuple WORDS


cdef class Reader:
    cdef bytes _data
    cdef list _large
    cdef Py_ssize_t _next_large
    cdef readonly Py_ssize_t pos
    cdef long long _number
    cdef object _big
    cdef readonly Py_ssize_t end

    cpdef open_frame(self, Frame frame)
    cpdef Py_ssize_t read_list(self) except -1
    cpdef bytes read_word(self)
    @cython.locals(kind=cython.int)
    cpdef read_int(self)
    @cython.locals(kind=cython.int)
    cpdef read_leaf(self)
    @cython.locals(kind=cython.int)
    cpdef read_expression(self)
    # kind is shifted into number: an int would lose what is beyond 32 bits
    @cython.locals(data=bytes, pos=Py_ssize_t, kind=cython.longlong, number=cython.longlong, shift=cython.int)
    cdef int _token(self) except -1
    @cython.locals(data=bytes, first=Py_ssize_t, pos=Py_ssize_t)
    cdef int _long_token(self) except -1
    cdef _body(self, int kind)
    @cython.locals(start=Py_ssize_t)
    cdef bytes _string(self, Py_ssize_t size)
