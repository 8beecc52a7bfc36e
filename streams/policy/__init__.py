"""What a policy file means: read, checked, resolved, and put in force.

`parse_policy` is the way in. It either gives a `Policy` or says everything that is wrong with the file.
"""

from streams.policy.model import Policy
from streams.policy.rules import Corroboration, Rule

__all__ = ["Corroboration", "Policy", "Rule"]
