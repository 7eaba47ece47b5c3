-- Makes ARGV[1] the owner of the marker KEYS[1] and returns the marker as it stands then.
-- A slot without a marker begins under the epoch ARGV[2], so that blobs of an earlier life are never taken for its own.
local marker = redis.call('GET', KEYS[1])
local next, at, epoch, flush = '-', '-', ARGV[2], '0'
if marker then
  local _
  _, next, at, epoch, flush = string.match(marker, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
end
marker = table.concat({ARGV[1], next, at, epoch, flush}, ' ')
redis.call('SET', KEYS[1], marker)
return marker
