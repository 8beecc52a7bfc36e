-- Compare and set many registers; refuses all unless the partition is in order.
-- KEYS  registers, seq, changes, incarnation, sentinel of the partition
-- ARGV  life, random, kept, then field and value of each register
--       life "": ordinary write, the sentinel must hold this server's run id
--       else:    reconcile, the incarnation must still be that one
-- gives {applied, stale}, or {-1, 0} if refused
local life, random, kept = ARGV[1], ARGV[2], ARGV[3]
if life == '' then
  local run_id = server_run_id()
  if redis.call('GET', KEYS[5]) ~= run_id then return {-1, 0} end
  life = live(KEYS[4], run_id, random)
elseif not still(KEYS[4], life) then
  return {-1, 0}
end
local applied, stale = 0, 0
for i = 4, #ARGV, 2 do
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
