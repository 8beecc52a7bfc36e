"""Reference services that show hashtags: trends and search suggestions.

They stand for the platform's own products: they count tweets themselves and check each hashtag with `hushtag_client`
before they show it. They decide nothing.
"""
