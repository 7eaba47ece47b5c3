-- Deletes those of KEYS whose blob is not of the epoch ARGV[1], its first eight bytes.
local gone = 0
for i = 1, #KEYS do
  if redis.call('GETRANGE', KEYS[i], 0, 7) ~= ARGV[1] then
    gone = gone + redis.call('UNLINK', KEYS[i])
  end
end
return gone
