"""Where hashtags are shown: reference services for trends and for search suggestions, and the demo that runs all.

They are the platform's own products, and stand here for any service that shows hashtags: they count tweets by
themselves, and ask `hushtag_client` before they show a tag, as any of them would. Nothing here decides anything.

`trending` is pure (time is an argument), `web` is what both services share, `demo` runs the whole system and judges it.
"""
