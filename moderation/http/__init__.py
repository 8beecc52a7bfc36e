"""HTTP API of human decisions: the functions of the commands, for a console or a case system, with keys and roles.

`app` builds the application from every module with a `router`, in the order of their names: of two routes that match
one address the first answers. Each router module has one subject. The same code validates input here and at a terminal,
so both reject the same values with the same message.
"""
