# cython: language_level=3
# line.py is compiled as it is: asyncio asks for a Python class.
