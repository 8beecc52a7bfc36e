#!lua
-- What all scripts share. A script is atomic: nothing happens between what it reads and what it writes.

-- The run id of the server that executes this; another one after a restart or a failover.
local function server_run_id()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
end

-- The name of this life of the data. Made anew where it is missing (data lost) or was made on another server.
local function live(key, run_id, random)
  local name = redis.call('GET', key)
  if name and string.match(name, '^(%w+)%-') == run_id then return name end
  name = run_id .. '-' .. random
  redis.call('SET', key, name)
  return name
end

-- Whether the data still live the life that somebody saw before, on the same server.
local function still(key, name)
  return redis.call('GET', key) == name and string.match(name, '^(%w+)%-') == server_run_id()
end

-- Up to which offset of its log a partition has been written on this server; -1: not at all.
local function written(sentinel)
  local run_id, upto = string.match(redis.call('GET', sentinel) or '', '^(%w+) (%d+)$')
  return run_id == server_run_id() and tonumber(upto) or -1
end

-- Everything before an offset has been written; what was written further stays so.
local function reach(sentinel, upto)
  redis.call('SET', sentinel, string.format('%s %.0f', server_run_id(), math.max(tonumber(upto), written(sentinel))))
end

-- The version of a register. Writers put it first, so that a value need not be parsed to compare it.
local function version(value)
  if not value then return '' end
  local found = string.match(value, '^{"version":"([%d.]+)"')
  if found then return found end
  local ok, read = pcall(cjson.decode, value)
  if ok and type(read) == 'table' and type(read.version) == 'string' then return read.version end
  return ''
end

-- a > b, byte for byte: the < of Lua follows the server's locale.
local function newer(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end
