-- Write heartbeats. One with a lower watermark, or an earlier renewal, comes from a former owner of the shard and is
-- skipped, unless the stored one is a minute old, or as far in the future: no publisher has written that.
-- KEYS  incarnation, heartbeats
-- ARGV  random, at_ms, partitions, guard_ms, then shard, settled_ms, renewed_ms and surfaces (JSON) of each
live(KEYS[1], server_run_id(), ARGV[1])
local at_ms, guard_ms = tonumber(ARGV[2]), tonumber(ARGV[4])
for i = 5, #ARGV, 4 do
  local ok, stands = pcall(cjson.decode, redis.call('HGET', KEYS[2], ARGV[i]) or '')
  if not ok or type(stands) ~= 'table' then stands = {} end
  local settled, renewed = tonumber(stands.settled_ms) or -1, tonumber(stands.renewed_ms) or 0
  local settles, renews = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local later = settles > settled or (settles == settled and renews >= renewed)
  if later or not (math.abs(at_ms - (tonumber(stands.at_ms) or 0)) < guard_ms) then
    redis.call('HSET', KEYS[2], ARGV[i], '{"settled_ms":' .. ARGV[i + 1] .. ',"at_ms":' .. ARGV[2]
      .. ',"partitions":' .. ARGV[3] .. ',"renewed_ms":' .. ARGV[i + 2] .. ',"surfaces":' .. ARGV[i + 3] .. '}')
  end
end
return 1
