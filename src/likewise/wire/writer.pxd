# cython: language_level=3
# Types for the compiled build of writer.py; the code is there.

cimport cython

cdef list SMALL_INTS
cdef list LIST_HEADS
cdef list STRING_HEADS

cpdef bytes int_token(object number)
@cython.locals(spread=cython.longlong)
cdef bytes _plain_int(long long number)
cpdef bytes float_token(object number)
cpdef bytes list_head(Py_ssize_t count)
cpdef bytes string_head(Py_ssize_t size)
cpdef bytes bytes_token(value)
