"""What a policy file means: read, checked, resolved, and put in force.

`parse_policy` is the way in. It either gives a `Policy` or says everything that is wrong with the file.
"""

from streams.policy.errors import PolicyFileError, Problem
from streams.policy.model import Policy
from streams.policy.parse import parse_policy
from streams.policy.rules import Corroboration, Rule

__all__ = ["Corroboration", "Policy", "PolicyFileError", "Problem", "Rule", "parse_policy"]
