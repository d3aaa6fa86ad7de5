// Loaded into the server before its own code: tells how much memory it has, and for how long its event loop stood still.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 10
const delay = monitorEventLoopDelay({ resolution: resolutionMs })

process.on('message', (question) => {
  if (question !== 'report') return
  globalThis.gc?.()
  process.send?.({ rssBytes: process.memoryUsage.rss(), heapBytes: process.memoryUsage().heapUsed, maxStallMs: Math.max(0, delay.max / 1e6 - resolutionMs) })
  // What the collection above took is not the server's.
  setImmediate(() => { delay.reset(); delay.enable() })
})
process.channel?.unref()
