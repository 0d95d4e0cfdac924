# cython: language_level=3
# connection.py is compiled as it is: asyncio asks for a Python class.
