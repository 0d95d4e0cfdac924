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


cdef inline int put(Arriving arriving, bytes piece) except -1:
    """
    Put these bytes behind those that are there. The first time that takes memory for all of the string, which is nobody
    else's and is not looked at before it is full.
    """
    cdef bytes before
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    if arriving._taken < 0 or size > arriving._size - arriving._taken:
        raise IndexError("more bytes than were to come")
    if not arriving._body:
        before = arriving._grows.getvalue()
        if PyBytes_GET_SIZE(before) != arriving._taken:
            raise IndexError("other bytes than were counted")
        arriving._body = PyBytes_FromStringAndSize(NULL, arriving._size)
        likewise_large_pages(<char*>PyBytes_AS_STRING(arriving._body), arriving._size)
        memcpy(<char*>PyBytes_AS_STRING(arriving._body), PyBytes_AS_STRING(before), arriving._taken)
        arriving._grows.close()
    memcpy(<char*>PyBytes_AS_STRING(arriving._body) + arriving._taken, PyBytes_AS_STRING(piece), size)
    return 0
