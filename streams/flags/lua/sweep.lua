-- Delete expired registers; each is checked again here, since it may have changed after it was found.
-- KEYS  registers
-- ARGV  now_ms, then fields
-- returns their number
local now_ms, gone = tonumber(ARGV[1]), 0
for i = 2, #ARGV do
  local ok, read = pcall(cjson.decode, redis.call('HGET', KEYS[1], ARGV[i]) or '')
  local keep = ok and type(read) == 'table' and tonumber(read.keep_until_ms) or 0
  if keep > 0 and keep <= now_ms then gone = gone + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return gone
