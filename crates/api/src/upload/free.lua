-- Frees an upload's key, if it still stands for that upload.
--
-- KEYS: the key. ARGV: the upload's mark. Returns 1 when the key was freed, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
