# cython: language_level=3
# The functions of native.py, in C, for the compiled modules.
#
# All of CPython's C API that this project uses by name is declared here, nowhere else, with what allows it. Nothing of it
# is private (no underscore, no struct's fields but the slots of a type, which are documented), and each means the same
# from CPython 3.11 to 3.14. What Cython itself makes of plain Python is Cython's to keep right.
#
# bytes, bytearray    AS_STRING, GET_SIZE: macros for what is a bytes object by its declared type; the memory is read and
#                     written between two steps of the interpreter, never kept. Resize: of a bytearray that only we know.
# str                 IS_COMPACT_ASCII, 1BYTE_DATA, GET_LENGTH: the letters of an ASCII string without a copy (PEP 393).
# float               Pack8, Unpack8: public since 3.11.
# a type's tp_new     called with no arguments: what ``cls.__new__(cls)`` does, without looking it up.
# tp_descr_set        of the descriptor that Python itself uses for ``instance.__dict__ = state``. PyObject_GenericSetDict
#                     is no substitute: it leaves the values stored within an instance in use on 3.13.0 to 3.13.3.

from libc.string cimport memcmp

cdef extern from "Python.h":
    char* PyByteArray_AS_STRING(bytearray)
    Py_ssize_t PyByteArray_GET_SIZE(bytearray)
    int PyByteArray_Resize(bytearray, Py_ssize_t) except -1
    bytes PyBytes_FromStringAndSize(const char*, Py_ssize_t)
    const char* PyBytes_AS_STRING(bytes)
    Py_ssize_t PyBytes_GET_SIZE(bytes)
    bint PyUnicode_IS_COMPACT_ASCII(str)
    const unsigned char* PyUnicode_1BYTE_DATA(str)
    Py_ssize_t PyUnicode_GET_LENGTH(str)
    int PyFloat_Pack8(double, char*, int) except -1
    double PyFloat_Unpack8(const char*, int) except? -1.0

cdef extern from *:
    """
    static CYTHON_INLINE PyObject* likewise_new_instance(PyObject* cls, PyObject* nothing) {
        if (!PyType_Check(cls) || ((PyTypeObject*)cls)->tp_new == NULL) {
            PyErr_Format(PyExc_TypeError, "cannot create '%.100s' instances",
                         PyType_Check(cls) ? ((PyTypeObject*)cls)->tp_name : Py_TYPE(cls)->tp_name);
            return NULL;
        }
        return ((PyTypeObject*)cls)->tp_new((PyTypeObject*)cls, nothing, NULL);
    }

    static CYTHON_INLINE int likewise_set_dict(PyObject* slot, PyObject* instance, PyObject* state) {
        descrsetfunc set = Py_TYPE(slot)->tp_descr_set;
        if (set == NULL) {
            PyErr_Format(PyExc_AttributeError, "'%.100s' object has no __dict__", Py_TYPE(instance)->tp_name);
            return -1;
        }
        return set(slot, instance, state);
    }
    """
    object likewise_new_instance(object cls, tuple nothing)
    int likewise_set_dict(object slot, object instance, object state) except -1


# Of the system's C: advice on memory that is a bytes object's own. Where it is not taken, nothing is different but the time.
cdef extern from *:
    """
    #if defined(__linux__)
    #include <stdint.h>
    #include <sys/mman.h>
    #endif

    static CYTHON_INLINE void likewise_large_pages(char* start, Py_ssize_t size) {
    #if defined(__linux__) && defined(MADV_HUGEPAGE)
        const uintptr_t large = (uintptr_t)2 << 20, small = 4096;
        uintptr_t first = ((uintptr_t)start + large - 1) & ~(large - 1);
        uintptr_t end = ((uintptr_t)start + (uintptr_t)size) & ~(small - 1);
        if (end > first)
            (void)madvise((void*)first, (size_t)(end - first), MADV_HUGEPAGE);
    #else
        (void)start;
        (void)size;
    #endif
    }
    """
    void likewise_large_pages(char* start, Py_ssize_t size) noexcept


cdef inline bint starts_with(bytes data, bytes piece, Py_ssize_t pos) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    if pos < 0 or size > PyBytes_GET_SIZE(data) - pos:
        return False
    return not memcmp(PyBytes_AS_STRING(data) + pos, PyBytes_AS_STRING(piece), size)


cdef inline double double_at(bytes data, Py_ssize_t pos) except? -1.0:
    if pos < 0 or pos > PyBytes_GET_SIZE(data) - 8:
        raise IndexError("a double that the data does not hold")
    return PyFloat_Unpack8(PyBytes_AS_STRING(data) + pos, 0)


cdef inline new_instance(cls):  # no `type cls`: to Cython that is `type` itself, and no class of a metaclass
    return likewise_new_instance(cls, ())


cdef inline int set_dict(slot, instance, state) except -1:
    return likewise_set_dict(slot, instance, state)


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
