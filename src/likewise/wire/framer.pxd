# cython: language_level=3
# Types for the compiled build of framer.py; the code is there.

cimport cython

from likewise.wire cimport native
from likewise.wire.arriving cimport Arriving


cdef class Frame:
    cdef readonly bytes data
    cdef readonly Py_ssize_t start
    cdef readonly Py_ssize_t end
    cdef readonly list large
    cdef readonly Py_ssize_t items


@cython.locals(frame=Frame)
cpdef Frame new_frame(bytes data, Py_ssize_t start, Py_ssize_t end, list large, Py_ssize_t items)


cdef class Bounds:
    cdef readonly object limits
    cdef readonly Py_ssize_t prefix_digits
    cdef readonly Py_ssize_t frame_items
    cdef readonly Py_ssize_t depth
    cdef readonly Py_ssize_t frame_bytes
    cdef readonly Py_ssize_t string_bytes
    cdef readonly Py_ssize_t list_items


cdef class Framer:
    cdef bytes _chunk
    cdef Py_ssize_t _pos
    cdef Py_ssize_t _start
    cdef object _body
    cdef Py_ssize_t _scanned
    cdef Py_ssize_t _skip
    cdef Py_ssize_t _left
    cdef list _open
    cdef Py_ssize_t _items
    cdef list _large
    cdef Arriving _arriving
    cdef Py_ssize_t _missing
    cdef Bounds _bounds
    cdef bint _vocabulary

    cpdef feed(self, bytes chunk)
    @cython.locals(start=Py_ssize_t, end=Py_ssize_t, chunk=bytes)
    cpdef Frame next_frame(self)
    cdef _keep(self, Py_ssize_t end)
    @cython.locals(data=bytes, size=Py_ssize_t, pos=Py_ssize_t, left=Py_ssize_t, vocabulary=bint, token=Py_ssize_t,
                   kind=cython.longlong, number=cython.longlong, shift=cython.int)
    cdef bint _scan(self) except -1
    @cython.locals(data=bytes, length=Py_ssize_t, end=Py_ssize_t)
    cdef Py_ssize_t _known_key(self, Py_ssize_t pos) except? -1
    cdef _close(self, Py_ssize_t left)
    cdef _check_size(self, Py_ssize_t pos)
    @cython.locals(data=bytes, pos=Py_ssize_t, last=Py_ssize_t)
    cdef Py_ssize_t _long_prefix(self, Py_ssize_t token) except -2
    @cython.locals(data=bytes, number=cython.longlong, shift=cython.int, pos=Py_ssize_t, digit=cython.longlong)
    cdef long long _number(self, Py_ssize_t token, Py_ssize_t end) except -1
    cdef _begin_large(self, Py_ssize_t number, Py_ssize_t pos)
    @cython.locals(data=bytes, piece=bytes, pos=Py_ssize_t, missing=Py_ssize_t)
    cdef bint _lift(self) except -1
