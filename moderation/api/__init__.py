"""The HTTP API of people's side: what the commands do, for a console or a case system, with keys and roles.

`app` puts it together; each router file is one subject. What may be written is checked by the same code as at a
terminal, so both refuse the same things in the same words.
"""
