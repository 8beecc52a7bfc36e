-- End of a reconcile: from here on this partition's writes are taken.
-- KEYS  incarnation, sentinel of the partition, reconciled
-- ARGV  the incarnation that `begin` gave, partition, offset before which its log has been read
-- gives 1, or 0 if the data began a new life meanwhile
if not still(KEYS[1], ARGV[1]) then return 0 end
reach(KEYS[2], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
return 1
