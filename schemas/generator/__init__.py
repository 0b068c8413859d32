"""How the Avro files become Python: the typed classes of the language, and what writes and reads their bytes.

It imports the Avro files' reader and fastavro, and nothing that it makes. Begin with `language`; `./reprise documents`
runs it, and a test compares what it makes with the files that are there.
"""
