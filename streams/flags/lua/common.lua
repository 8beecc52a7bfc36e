#!lua
-- Shared functions. A script is atomic: no other command runs between its reads and its writes.

-- Return the run id of this server, which changes with a restart or a failover.
local known_run_id
local function server_run_id()
  known_run_id = known_run_id or string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  return known_run_id
end

-- Return the incarnation of the data. Create a new one if it is missing (data lost) or was created on another server.
local function live(key, run_id, random)
  local name = redis.call('GET', key)
  if name and string.match(name, '^(%w+)%-') == run_id then return name end
  name = run_id .. '-' .. random
  redis.call('SET', key, name)
  return name
end

-- Return whether the data still have an incarnation, on the same server.
local function still(key, name)
  return redis.call('GET', key) == name and string.match(name, '^(%w+)%-') == server_run_id()
end

-- Return the log offset before which a partition was written, on this server or before a loss; 0: never.
local function remembered(sentinel)
  return tonumber(string.match(redis.call('GET', sentinel) or '', '^%w+ (%d+)$')) or 0
end

-- Return the log offset before which a partition was written on this server; -1: not at all.
local function written(sentinel)
  local run_id, upto = string.match(redis.call('GET', sentinel) or '', '^(%w+) (%d+)$')
  return run_id == server_run_id() and tonumber(upto) or -1
end

-- Record that everything before an offset was written; never lower the recorded offset.
local function reach(sentinel, upto)
  redis.call('SET', sentinel, string.format('%s %.0f', server_run_id(), math.max(tonumber(upto), written(sentinel))))
end

-- Return the version of a register. Writers put it first, so that comparing needs no JSON parser.
local function version(value)
  if not value then return '' end
  local found = string.match(value, '^{"version":"([%d.]+)"')
  if found then return found end
  local ok, read = pcall(cjson.decode, value)
  if ok and type(read) == 'table' and type(read.version) == 'string' then return read.version end
  return ''
end

-- Return whether a text is a number of writes that INCR can raise.
local function is_count(text)
  return #text <= 18 and (text == '0' or string.match(text, '^[1-9]%d*$') ~= nil)
end

-- Return a > b, byte by byte: Lua's < depends on the server's locale.
local function newer(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end
