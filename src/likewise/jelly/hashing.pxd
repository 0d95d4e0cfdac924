# cython: language_level=3
# Types for the compiled build of hashing.py; the code is there.

cimport cython

from likewise.wire.keys cimport keyed

cdef long long PRIME
cdef long long UPPER
cdef int LINEAR

cdef class Keys:
    cdef bint _is_set
    cdef dict _times
    cdef bytearray _table
    cdef list _noted
    cdef Py_ssize_t _last
    cdef Py_ssize_t _mask
    cdef Py_ssize_t _usable
    cdef Py_ssize_t _size

    @cython.locals(times=Py_ssize_t)
    cpdef Py_ssize_t times(self, long long value) except -1
    cpdef Py_ssize_t probes(self, value, Py_ssize_t size, Py_ssize_t most) except -1
    @cython.locals(places=Py_ssize_t)
    cdef _resize(self)
    @cython.locals(found=Py_ssize_t)
    cdef Py_ssize_t _grow(self, Py_ssize_t most) except -1
    # hashes have 64 bits, also where Py_ssize_t has 32
    @cython.locals(table=bytearray, mask=cython.longlong, found=Py_ssize_t, perturb=cython.longlong, place=cython.longlong,
                   last=cython.longlong)
    cdef Py_ssize_t _take(self, long long value, Py_ssize_t most) except -1
