# cython: language_level=3
# Types for the compiled build of line.py; the code is there. Line itself is no C class: asyncio's Protocol is none.

cimport cython

from likewise.broker.core cimport Broker

cdef Py_ssize_t CLOCK_MASK


@cython.locals(handled=Py_ssize_t)
cdef handle_messages(line, calls, Broker broker)
