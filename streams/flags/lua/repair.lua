-- Delete a register that no log can replace. It counts as a loss of all data, so that readers give it up and every
-- partition is reconciled.
-- KEYS  registers, incarnation, reconciled, then the sentinel of each partition
-- ARGV  field, value that a person has seen
-- returns 1, or 0 if the register has another value
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2], KEYS[3], unpack(KEYS, 4))
return 1
