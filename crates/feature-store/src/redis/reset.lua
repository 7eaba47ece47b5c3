-- Begins the marker KEYS[1] of the owner ARGV[1] anew under the epoch ARGV[2], which makes every blob of the slot void.
local marker = redis.call('GET', KEYS[1]) or ''
local owner, _, _, _, flush = string.match(marker, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
if owner ~= ARGV[1] then
  return {'fenced', marker}
end
marker = table.concat({owner, '-', '-', ARGV[2], string.format('%d', tonumber(flush) + 1)}, ' ')
redis.call('SET', KEYS[1], marker)
return {'done', marker}
