-- Compare and set many registers; refuse all if the partition needs a reconcile.
-- KEYS  registers, seq, changes, incarnation, sentinel of the partition
-- ARGV  life, random, kept, after, upto, then field and value of each register
--       life "": ordinary write of the log's offsets [after, upto): everything before `after` must
--                have been written on this server
--       else:    reconcile, the incarnation must still be that one
-- returns {applied, stale}, or {-1, 0} if refused
local life, random, kept = ARGV[1], ARGV[2], ARGV[3]
if life == '' then
  if written(KEYS[5]) < tonumber(ARGV[4]) then return {-1, 0} end
  life = live(KEYS[4], server_run_id(), random)
  reach(KEYS[5], ARGV[5])
elseif not still(KEYS[4], life) then
  return {-1, 0}
end
local applied, stale = 0, 0
for i = 6, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  if newer(version(value), version(redis.call('HGET', KEYS[1], field))) then
    redis.call('HSET', KEYS[1], field, value)
    local seq = redis.call('INCR', KEYS[2])
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', kept, '*',
      'seq', seq, 'incarnation', life, 'field', field, 'value', value)
    applied = applied + 1
  else
    stale = stale + 1
  end
end
return {applied, stale}
