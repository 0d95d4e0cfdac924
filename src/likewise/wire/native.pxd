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
