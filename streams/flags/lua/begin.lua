-- Begin a reconcile.
-- KEYS  incarnation
-- ARGV  random
-- returns the incarnation under which the registers are written
return live(KEYS[1], server_run_id(), ARGV[1])
