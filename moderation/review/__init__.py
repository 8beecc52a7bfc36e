"""What people look at again: decisions held for review, a blind sample of automated ones, and appeals.

A queue is not kept anywhere: it is what the decisions ask for (`items`) less what people have done (`book`), folded
from the two topics whenever somebody looks.
"""
