# cython: language_level=3
# Types for the compiled build of sink.py, and the lines of C that write into the buffer's memory.
# _data has room for more than is written: _used bytes of it are.

from libc.string cimport memcpy

from likewise.wire.native cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE, PyByteArray_Resize
from likewise.wire.native cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE, PyFloat_Pack8
from likewise.wire.native cimport PyUnicode_1BYTE_DATA, PyUnicode_GET_LENGTH, PyUnicode_IS_COMPACT_ASCII

cdef bint _compiled
cdef bytes FIRSTS


cdef class Sink:
    cdef bytearray _data
    cdef Py_ssize_t _used
    cdef Py_ssize_t _sealed
    cdef list _parts
    cdef list _prefixes

    cpdef begin(self)
    cdef put(self, bytes piece)
    cdef put_float(self, double number)
    cdef put_natural(self, Py_ssize_t number)
    cdef bint put_ascii(self, bytes head, str text) except -1
    cpdef put_large(self, piece)
    cpdef insert(self, Py_ssize_t place, bytes prefix)
    cpdef list take(self)
    cdef list _with_prefixes(self, list parts)
    cdef Py_ssize_t _size(self)
    cdef bytes _taken(self)


cdef inline char* room(Sink sink, Py_ssize_t size) except NULL:
    """Where to write so many bytes, which count as written."""
    cdef Py_ssize_t start = sink._used
    cdef Py_ssize_t end = start + size
    if end > PyByteArray_GET_SIZE(sink._data):
        PyByteArray_Resize(sink._data, 2 * end + 256)
    sink._used = end
    return PyByteArray_AS_STRING(sink._data) + start


cdef inline int append(Sink sink, bytes piece) except -1:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    memcpy(room(sink, size), PyBytes_AS_STRING(piece), size)
    return 0


cdef inline int append_float(Sink sink, double number) except -1:
    cdef char* here = room(sink, 9)
    here[0] = <char>0x84
    PyFloat_Pack8(number, here + 1, 0)
    return 0


cdef inline int append_natural(Sink sink, Py_ssize_t number) except -1:
    cdef char* here = room(sink, 6)
    cdef int size = 0
    while number >= 0x80:
        here[size] = <char>(number & 0x7F)
        number >>= 7
        size += 1
    here[size] = <char>number
    here[size + 1] = <char>0x81
    sink._used -= 4 - size
    return 0


cdef inline bint append_ascii(Sink sink, bytes head, str text) except -1:
    cdef Py_ssize_t size
    cdef Py_ssize_t before
    cdef const unsigned char* body
    cdef char* here
    if not PyUnicode_IS_COMPACT_ASCII(text):
        return False
    size = PyUnicode_GET_LENGTH(text)
    if size >= 128:
        return False
    body = PyUnicode_1BYTE_DATA(text)
    if 0 < size < 14 and PyBytes_AS_STRING(FIRSTS)[128 * size + body[0]]:
        return False  # a word of the vocabulary, perhaps
    before = PyBytes_GET_SIZE(head)
    here = room(sink, before + 2 + size)
    memcpy(here, PyBytes_AS_STRING(head), before)
    here[before] = <char>size
    here[before + 1] = <char>0x82
    memcpy(here + before + 2, body, size)
    return True


cdef inline Py_ssize_t used(Sink sink):
    return sink._used


cdef inline bytes taken(Sink sink):
    """What was written, as bytes of its own."""
    cdef bytes data = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(sink._data), sink._used)
    empty(sink)
    return data


cdef inline int empty(Sink sink) except -1:
    """Let go of what was written; the room stays, if it is no more than most messages need."""
    sink._used = 0
    if PyByteArray_GET_SIZE(sink._data) > 65_536:
        sink._data = bytearray()
    return 0
