-- Begin to reconcile.
-- KEYS  incarnation
-- ARGV  random
-- gives the incarnation under which the registers are put back
return live(KEYS[1], server_run_id(), ARGV[1])
