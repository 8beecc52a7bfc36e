-- Write heartbeats. One with a lower watermark comes from a former owner of the shard and is skipped, unless the stored
-- one is a minute old.
-- KEYS  incarnation, heartbeats
-- ARGV  random, at_ms, partitions, guard_ms, then shard and settled_ms of each
live(KEYS[1], server_run_id(), ARGV[1])
local at_ms, guard_ms = tonumber(ARGV[2]), tonumber(ARGV[4])
for i = 5, #ARGV, 2 do
  local ok, stands = pcall(cjson.decode, redis.call('HGET', KEYS[2], ARGV[i]) or '')
  local settled = ok and type(stands) == 'table' and tonumber(stands.settled_ms) or -1
  local written = ok and type(stands) == 'table' and tonumber(stands.at_ms) or 0
  if settled <= tonumber(ARGV[i + 1]) or at_ms - written >= guard_ms then
    redis.call('HSET', KEYS[2], ARGV[i],
      '{"settled_ms":' .. ARGV[i + 1] .. ',"at_ms":' .. ARGV[2] .. ',"partitions":' .. ARGV[3] .. '}')
  end
end
return 1
