# cython: language_level=3
# The functions of native.py, in C, for the compiled modules.

from libc.string cimport memcmp

cdef extern from "Python.h":
    const char* PyBytes_AS_STRING(bytes)
    Py_ssize_t PyBytes_GET_SIZE(bytes)
    double PyFloat_Unpack8(const char*, int) except? -1.0
    int PyObject_GenericSetDict(object, dict, void*) except -1

cdef extern from *:
    """
    static PyObject* likewise_new_instance(PyTypeObject* cls, PyObject* nothing) {
        if (cls->tp_new == NULL) {
            PyErr_Format(PyExc_TypeError, "cannot create '%.100s' instances", cls->tp_name);
            return NULL;
        }
        return cls->tp_new(cls, nothing, NULL);
    }
    """
    object likewise_new_instance(type cls, tuple nothing)


cdef inline bint starts_with(bytes data, bytes piece, Py_ssize_t pos) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    if pos < 0 or size > PyBytes_GET_SIZE(data) - pos:
        return False
    return not memcmp(PyBytes_AS_STRING(data) + pos, PyBytes_AS_STRING(piece), size)


cdef inline double double_at(bytes data, Py_ssize_t pos) except? -1.0:
    if pos < 0 or pos > PyBytes_GET_SIZE(data) - 8:
        raise IndexError("a double that the data does not hold")
    return PyFloat_Unpack8(PyBytes_AS_STRING(data) + pos, 0)


cdef inline new_instance(type cls):
    return likewise_new_instance(cls, ())


cdef inline int set_dict(instance, dict state) except -1:
    return PyObject_GenericSetDict(instance, state, NULL)


cdef extern from "Python.h":
    object _PyLong_FromByteArray(const unsigned char*, size_t, int, int)


cdef inline natural(bytes data, Py_ssize_t first, Py_ssize_t end):
    cdef unsigned char packed[64]
    cdef const unsigned char* digits = <const unsigned char*>PyBytes_AS_STRING(data)
    cdef unsigned long long bits = 0
    cdef int filled = 0
    cdef size_t size = 0
    if first < 0 or end > PyBytes_GET_SIZE(data) or first > end:
        raise IndexError("digits that the data does not hold")
    if end - first > 64:
        raise ValueError("more digits than there is room for")
    while first < end:
        bits |= <unsigned long long>(digits[first] & 0x7F) << filled
        filled += 7
        first += 1
        if filled >= 8:
            packed[size] = bits & 0xFF
            bits >>= 8
            filled -= 8
            size += 1
    if filled:
        packed[size] = bits & 0xFF
        size += 1
    return _PyLong_FromByteArray(packed, size, 1, 0)


cdef inline decimal_numbers(bytes data, Py_ssize_t pos, Py_ssize_t size):
    cdef const unsigned char* text = <const unsigned char*>PyBytes_AS_STRING(data)
    cdef Py_ssize_t end = pos + size
    cdef Py_ssize_t first
    cdef long long number
    cdef bint is_negative
    cdef list numbers = []
    if pos < 0 or size <= 0 or size > 64 or end > PyBytes_GET_SIZE(data):
        return None
    while True:
        is_negative = text[pos] == 45
        if is_negative:
            pos += 1
        first = pos
        number = 0
        while pos < end and 48 <= text[pos] <= 57 and pos - first < 10:
            number = 10 * number + (text[pos] - 48)
            pos += 1
        if pos == first or pos < end and text[pos] != 32:
            return None
        numbers.append(-number if is_negative else number)
        if pos == end:
            return numbers
        pos += 1
        if pos == end:
            return None


cdef inline long long product(long long one, long long other) noexcept:
    """In halves of 31 bits, for not every compiler has integers of 128: modulo 2**61 - 1, 2**61 is 1."""
    cdef unsigned long long prime = (<unsigned long long>1 << 61) - 1
    cdef unsigned long long half = (<unsigned long long>1 << 31) - 1
    cdef unsigned long long x = <unsigned long long>(one if one >= 0 else one + <long long>prime)
    cdef unsigned long long y = <unsigned long long>other
    cdef unsigned long long middle = (x >> 31) * (y & half) + (x & half) * (y >> 31)
    cdef unsigned long long total = (x >> 31) * (y >> 31) * 2 + (middle >> 30)
    total += ((middle & (half >> 1)) << 31) + (x & half) * (y & half)
    total = (total >> 61) + (total & prime)
    return <long long>(total - prime if total >= prime else total)
