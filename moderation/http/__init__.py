"""HTTP API of human decisions: the functions of the commands, for a console or a case system, with keys and roles.

`app` builds the application; each router module has one subject. The same code validates input here and at a terminal,
so both reject the same values with the same message.
"""
