-- End a reconcile: ordinary writes of this partition are accepted from here on.
-- KEYS  incarnation, sentinel of the partition, reconciled
-- ARGV  the incarnation that `begin` returned, partition, offset before which its log has been read
-- returns 1, or 0 if the incarnation has changed
if not still(KEYS[1], ARGV[1]) then return 0 end
reach(KEYS[2], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
return 1
