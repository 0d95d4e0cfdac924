# cython: language_level=3
# Types for the compiled build of calls.py; the code is there. No class of it is a C class: one of them is a Future.

from likewise.broker.events cimport CallReceived


cdef run_method(CallReceived call)
