-- Takes one token from each of several buckets, or from none (GCRA, the generic cell rate algorithm).
--
-- KEYS: the buckets. ARGV, per bucket: its burst in tokens; in how many microseconds that many are refilled.
-- A bucket holds the moment at which it would be full again, in unix microseconds by this server's clock.
-- Returns 0 when a token of each was taken, else for how many microseconds at least one of them stays empty.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local full_at = {}
local longest_wait = 0
for i, key in ipairs(KEYS) do
  local burst, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  full_at[i] = math.max(tonumber(redis.call('GET', key) or 0), now) + window / burst
  longest_wait = math.max(longest_wait, full_at[i] - window - now)
end
if longest_wait > 0 then
  return math.ceil(longest_wait)
end

for i, key in ipairs(KEYS) do
  -- Spelled out, for a number of this size would be written with an exponent and lose its last digits.
  redis.call('SET', key, string.format('%.0f', full_at[i]), 'PX', math.ceil((full_at[i] - now) / 1000))
end
return 0
