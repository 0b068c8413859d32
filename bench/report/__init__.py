"""What benches say: figures beside targets, on what machine, and the page and plots that are made of them.

It may import of the server runtime, schemas and stack, and no bench. Begin with targets.py.
"""
