"""Appeals, and the automated decisions that people look at.

The items that wait for a person are derived from the automated decisions (`items`, `automated`).
`moderation.domain.cases` groups them by hashtag.
"""
