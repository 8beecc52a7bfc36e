"""Policy files: reading, checks, resolved rules, and activation.

`parse_policy` is the entry point. It returns a `Policy` or raises an error with every problem of the file.
"""

from streams.policy.errors import PolicyFileError, Problem
from streams.policy.model import Policy
from streams.policy.parse import parse_policy, policy_warnings
from streams.policy.rules import Corroboration, Rule

__all__ = ["Corroboration", "Policy", "PolicyFileError", "Problem", "Rule", "parse_policy", "policy_warnings"]
