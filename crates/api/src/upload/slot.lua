-- Takes a place among the uploads of one account that are being received.
--
-- KEYS: the places of the account. ARGV: this upload's id; how many places there are; for how many milliseconds the
-- place is kept if nobody gives it back. Returns 1 when the upload has a place, else 0.
local places, upload, most, lease = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', places, '-inf', string.format('%.0f', now))
if not redis.call('ZSCORE', places, upload) and redis.call('ZCARD', places) >= most then
  return 0
end
redis.call('ZADD', places, string.format('%.0f', now + lease), upload)
redis.call('PEXPIRE', places, lease)
return 1
