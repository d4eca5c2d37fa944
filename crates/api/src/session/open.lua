-- Opens a session. Run twice, it leaves what it left when run once.
--
-- KEYS: the session; the set of its user's sessions. ARGV: user id; idle time and life in milliseconds; how many
-- sessions a user has at most. Returns when it ends at the latest, in unix milliseconds by this server's clock.
local session, sessions = KEYS[1], KEYS[2]
local user, idle, life, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('ZREM', sessions, session)
for _, other in ipairs(redis.call('ZRANGE', sessions, 0, -1)) do
  if redis.call('EXISTS', other) == 0 then
    redis.call('ZREM', sessions, other)
  end
end
while redis.call('ZCARD', sessions) >= most do
  redis.call('DEL', redis.call('ZPOPMIN', sessions)[1])
end

redis.call('HSET', session, 'user', user, 'idle_ms', idle, 'ends_at_ms', string.format('%.0f', now + life))
redis.call('PEXPIRE', session, math.min(idle, life))
redis.call('ZADD', sessions, string.format('%.0f', now), session)
redis.call('PEXPIRE', sessions, math.max(redis.call('PTTL', sessions), life))
return now + life
