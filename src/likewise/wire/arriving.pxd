# cython: language_level=3
# Types for the compiled build of arriving.py, and the lines of C that fill a vast string while it comes.

from libc.string cimport memcpy

from likewise.wire.native cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE, likewise_large_pages

cdef bint _compiled
cdef Py_ssize_t VAST
cdef Py_ssize_t SHARE


cdef class Arriving:
    cdef Py_ssize_t _size
    cdef Py_ssize_t _taken
    cdef object _grows
    cdef bytes _body

    cpdef write(self, bytes piece)
    cpdef bytes whole(self)


cdef inline int make_room(Arriving arriving) except -1:
    """Memory for all of it, which is nobody else's and is not looked at before it is full."""
    arriving._body = PyBytes_FromStringAndSize(NULL, arriving._size)
    likewise_large_pages(<char*>PyBytes_AS_STRING(arriving._body), arriving._size)
    return 0


cdef inline int put(Arriving arriving, bytes piece, Py_ssize_t place) except -1:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    if place < 0 or size > PyBytes_GET_SIZE(arriving._body) - place:
        raise IndexError("more bytes than were to come")
    memcpy(<char*>PyBytes_AS_STRING(arriving._body) + place, PyBytes_AS_STRING(piece), size)
    return 0
