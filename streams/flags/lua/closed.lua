-- List the partitions that would refuse a write.
-- KEYS  sentinel of each partition
-- ARGV  the log offset that a write of each would follow
-- returns their positions in KEYS, from 1
local found = {}
for i, sentinel in ipairs(KEYS) do
  if written(sentinel) < tonumber(ARGV[i]) then table.insert(found, i) end
end
return found
