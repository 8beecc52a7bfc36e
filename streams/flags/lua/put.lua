-- Compare and set many registers; refuse all if the partition needs a reconcile.
-- KEYS  registers, seq, changes, incarnation, sentinel of the partition
-- ARGV  life, random, kept, after, upto, then field and value of each register
--       life "": ordinary write of the log's offsets [after, upto): everything before `after` must
--                have been written on this server
--       else:    reconcile, the incarnation must still be that one; the log was read before `after`
-- returns {applied, stale, field and version of each foreign register}, or {-1, 0} if refused. Foreign ones are newer
--       than the log, although no one has written more of the log than was read; they are never replaced.
local life, random, kept = ARGV[1], ARGV[2], ARGV[3]
if life == '' then
  if written(KEYS[5]) < tonumber(ARGV[4]) then return {-1, 0} end
  life = live(KEYS[4], server_run_id(), random)
  reach(KEYS[5], ARGV[5])
elseif not still(KEYS[4], life) then
  return {-1, 0}
end
if ARGV[1] ~= '' then  -- readers need both keys, and a reconcile may write nothing
  local changes = redis.call('TYPE', KEYS[3]).ok
  if (changes ~= 'none' and changes ~= 'stream') or not is_count(redis.call('GET', KEYS[2]) or '0') then
    return redis.error_reply('WRONGTYPE the changes, or their number')
  end
end
local applied, stale, foreign = 0, 0, {}
local complete = ARGV[1] ~= '' and remembered(KEYS[5]) <= tonumber(ARGV[4])
for i = 6, #ARGV, 2 do
  local field, value = ARGV[i], ARGV[i + 1]
  local present = version(redis.call('HGET', KEYS[1], field))
  if newer(version(value), present) then
    -- The number first: if a later command fails, readers see a gap and take a snapshot.
    local seq = redis.call('INCR', KEYS[2])
    redis.call('HSET', KEYS[1], field, value)
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', kept, '*',
      'seq', seq, 'incarnation', life, 'field', field, 'value', value)
    applied = applied + 1
  else
    stale = stale + 1
    if complete and newer(present, version(value)) then
      foreign[#foreign + 1], foreign[#foreign + 2] = field, present
    end
  end
end
return {applied, stale, unpack(foreign)}
