-- Return the text of INFO, from the server that owns the keys.
-- KEYS  any key of the flags
return redis.call('INFO')
