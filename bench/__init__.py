"""
Benchmarks: likewise beside other ways to call objects in another process, in one run.

``make bench`` runs the workloads W1 to W9 (``workloads.py``) for each peer (``peers/``), every case as real processes
on the loopback interface, and writes ``RESULTS.md``. ``scaling.py`` and ``latency.py`` make the plots in the docs.
All of it needs Linux: memory and processor time are read from /proc.
"""
