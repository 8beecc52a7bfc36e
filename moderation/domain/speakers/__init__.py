"""The registry of protected speakers: its CSV form, the records of a change, and `hushtag speakers`."""
