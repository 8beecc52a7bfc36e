-- Delete keys that another program wrote with another type. Losing one counts as a loss of all: the sentinels go too, so
-- that every partition is reconciled, under a new incarnation.
-- KEYS  registers, seq, changes, incarnation, heartbeats, reconciled, then the sentinel of each partition
-- returns the deleted keys
local types = {'hash', 'string', 'stream', 'string', 'hash', 'hash'}
local wrong = {}
for i, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  local fits = found == 'none' or found == (types[i] or 'string')
  if fits and i == 2 then fits = is_count(redis.call('GET', key) or '0') end
  if not fits then table.insert(wrong, key) end
end
if #wrong > 0 then
  redis.call('DEL', KEYS[4], KEYS[6], unpack(KEYS, 7))
  redis.call('DEL', unpack(wrong))
end
return wrong
