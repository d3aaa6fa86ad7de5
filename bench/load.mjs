// The load, in a process of its own: one order in, one outcome out, over the IPC channel.
// It stays up for the whole run, so that every server meets a generator that is equally warm.
import { performance } from 'node:perf_hooks'
import autocannon from 'autocannon'

const SECONDS_TO_ANSWER = 10
const STOP_CHECK_MS = 50

// Ids never repeat, as sessions demand, and all have the same number of digits, so that lengths stay equal.
let nextId = 200_000_000

process.on('disconnect', () => process.exit(0))
process.on('message', async function obey (order) {
  try {
    process.send({ outcome: await load(order) })
  } catch (err) {
    process.send({ error: err.message })
  }
})

/**
 * Sends `order.amount` requests, or as many as fit in `order.seconds`.
 * Throws when one answer is not a 200 with the expected sum and length.
 */
async function load (order) {
  const times = []
  const bad = []
  const cpu = process.cpuUsage()
  const start = performance.now()
  const half = start + order.seconds * 500
  let beforeHalf = 0
  let last = start
  let sessions = 0

  const run = autocannon({
    url: order.url,
    connections: order.connections,
    ...(order.amount ? { amount: order.amount } : { duration: order.seconds }),
    timeout: SECONDS_TO_ANSWER,
    sampleInt: STOP_CHECK_MS,
    bailout: 1,
    setupClient (client) {
      const session = order.sessions[sessions++ % order.sessions.length]
      client.setRequests([{
        method: 'POST',
        headers: session ? { ...order.headers, 'mcp-session-id': session } : order.headers,
        body: order.body.replace(order.idMark, String(nextId))
      }])
      if (order.body.includes(order.idMark)) numberRequests(client)
    },
    verifyBody (body) {
      const good = body.includes(order.expect.sum) && (!order.expect.length || body.length === order.expect.length)
      if (!good) bad.push(body)
      return good
    }
  })
  run.on('response', (_client, _status, _bytes, milliseconds) => {
    last = performance.now()
    if (last < half) beforeHalf++
    times.push(milliseconds)
  })

  const result = await run
  const { user, system } = process.cpuUsage(cpu)
  refuseFaults(result, bad, times.length, order.amount)
  times.sort((one, other) => one - other)
  return {
    requests: times.length,
    seconds: (last - start) / 1000,
    busy: (user + system) / 1000 / (last - start),
    lateRate: (times.length - beforeHalf) / ((last - half) / 1000),
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99)
  }
}

/**
 * Gives each request of a connection an id of its own, written into the bytes about to be sent:
 * building each request anew takes autocannon as long as all the rest of its work.
 */
function numberRequests (client) {
  const bytes = client.getRequestBuffer()
  const place = bytes.lastIndexOf(String(nextId))
  client.on('request', () => bytes.write(String(nextId++), place, 'latin1'))
}

function refuseFaults (result, bad, answered, amount) {
  const odd = Object.keys(result.statusCodeStats).filter((status) => status !== '200')
  const faults = [
    result.errors > 0 && `${result.errors} connection errors or timeouts`,
    odd.length > 0 && `answers with status ${odd.join(', ')}`,
    result.mismatches > 0 && `an unexpected answer: ${String(bad[0]).slice(0, 300)}`,
    result.resets > 0 && `${result.resets} pipeline resets`,
    answered === 0 && 'no answer at all',
    amount && answered !== amount && `${answered} answers to ${amount} requests`
  ].filter(Boolean)
  if (faults.length > 0) throw new Error(faults.join('; '))
}

function percentile (sorted, share) {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
}
