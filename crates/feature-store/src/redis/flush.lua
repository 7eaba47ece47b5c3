-- Writes blobs and moves the marker KEYS[1], or refuses and writes nothing.
-- ARGV: owner, epoch, first and last flush number that the marker may stand at, next offset, instant, lifetime of blobs in
-- milliseconds (0: for ever), number of blobs, then the blobs of the keys after the marker; keys beyond them are deleted.
local marker = redis.call('GET', KEYS[1]) or ''
local owner, next, at, epoch, flush = string.match(marker, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
if owner ~= ARGV[1] then
  return {'fenced', marker}
end
flush = tonumber(flush)
if epoch ~= ARGV[2] or flush < tonumber(ARGV[3]) or flush > tonumber(ARGV[4]) then
  return {'diverged', marker}
end
if next ~= '-' and tonumber(ARGV[5]) < tonumber(next) then
  return {'back', marker}
end
local count, lifetime = tonumber(ARGV[8]), ARGV[7]
for i = 1, count do
  if lifetime == '0' then
    redis.call('SET', KEYS[1 + i], ARGV[8 + i])
  else
    redis.call('SET', KEYS[1 + i], ARGV[8 + i], 'PX', lifetime)
  end
end
for i = 2 + count, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
marker = table.concat({owner, ARGV[5], ARGV[6], epoch, string.format('%d', flush + 1)}, ' ')
redis.call('SET', KEYS[1], marker)
return {'done', marker}
