-- Has wrk ask as it does by itself; or, where FIRST is set, for another page each time: PATTERN with a number that grows by one in place of
-- {number}, and with what is left of it by TURNS in place of {turn}. Tells seconds, errors, and how often each latency came, as JSON.

local number = tonumber(os.getenv("FIRST"))
if number then
  local path, turns = os.getenv("PATTERN"), tonumber(os.getenv("TURNS"))
  function request()
    number = number + 1
    return wrk.format("GET", (path:gsub("{number}", number):gsub("{turn}", number % turns)))
  end
end

function done(summary, latency)
  local errors, took = 0, {}
  for _, count in pairs(summary.errors) do errors = errors + count end
  for place = 1, #latency do
    local micros, count = latency(place)
    took[place] = string.format("[%.6f, %d]", micros / 1e6, count)
  end
  local told = '{"seconds": %.6f, "errors": %d, "took": [%s]}'
  io.stderr:write(told:format(summary.duration / 1e6, errors, table.concat(took, ", ")))
end
