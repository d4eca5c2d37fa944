-- Looks a session up and counts that as its use.
--
-- KEYS: the session. Returns user id, idle time in milliseconds and when it ends at the latest (unix milliseconds),
-- or nothing when there is no such session.
local session = KEYS[1]
local user, idle, ends_at = unpack(redis.call('HMGET', session, 'user', 'idle_ms', 'ends_at_ms'))
if not user then
  return false
end
local time = redis.call('TIME')
local left = ends_at - (time[1] * 1000 + math.floor(time[2] / 1000))
if left <= 0 then
  redis.call('DEL', session)
  return false
end
redis.call('PEXPIRE', session, math.min(idle, left))
return { user, tonumber(idle), tonumber(ends_at) }
