"""How a broker, a database and the services run on one machine: what is behind `reprise up`.

It may import projector, runtime and schemas; the services it starts are commands, not imports.
Begin with start.py, in which order an instance comes up; programs.py lists what it runs.
"""
