-- Ends a user's sessions.
--
-- KEYS: the set of the user's sessions. ARGV: the one session that stays, or an empty string. Returns how many ended.
local sessions, stays = KEYS[1], ARGV[1]
local ended = 0
for _, session in ipairs(redis.call('ZRANGE', sessions, 0, -1)) do
  if session ~= stays then
    ended = ended + redis.call('DEL', session)
    redis.call('ZREM', sessions, session)
  end
end
return ended
