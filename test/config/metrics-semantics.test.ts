import t from 'tap'
import { loadValue, pathsOf } from '../helpers/load-text.ts'

t.test('an address for metrics without a port of its own is a fault: it would do nothing', async (t) => {
  const { faults } = await loadValue(t, { metrics: { host: '127.0.0.1' } })
  t.strictSame(pathsOf(faults), ['$.metrics.host'])
  t.match(faults, [{ message: /needs a port of their own/, line: Number }])
  t.strictSame((await loadValue(t, { metrics: { host: '127.0.0.1' } }, { env: { METRICS_PORT: '9090' } })).faults, [])
})

t.test('an address that others reach is told of, since nobody is asked there', async (t) => {
  const noticesOf = async (metrics: object): Promise<string[]> => (await loadValue(t, { metrics })).notices.map(({ message }) => message)
  for (const host of ['0.0.0.0', '::', '10.0.0.5', 'metrics.internal']) t.match(await noticesOf({ port: 9090, host }), [new RegExp(`^Metrics are served at "${host.replaceAll('.', '\\.')}", which can be reached from other machines`)], host)
  for (const host of ['127.0.0.1', '::1', 'localhost']) t.strictSame(await noticesOf({ port: 9090, host }), [], host)
  t.strictSame(await noticesOf({ enabled: false, port: 9090, host: '0.0.0.0' }), [])
})

t.test('metrics beside MCP take a path that nothing else has; at a port of their own, any', async (t) => {
  const faultsOf = async (config: object): Promise<string[]> => (await loadValue(t, config)).faults.map(({ path = [], message }) => `${path.join('.')}: ${message}`)
  t.strictSame(await faultsOf({ metrics: {}, server: { path: '/metrics' } }), ['server.path: The path "/metrics" is taken by the metrics.'])
  t.strictSame(await faultsOf({ metrics: { path: '/health/live' } }), ['metrics.path: The path "/health/live" is taken by the health check.'])
  t.strictSame(await faultsOf({ metrics: { path: '/tools/x' } }), ['metrics.path: The path "/tools/x" is taken by the tools.'])
  t.strictSame(await faultsOf({ metrics: { port: 9090 }, server: { path: '/metrics' } }), [])
  t.strictSame(await faultsOf({ metrics: { enabled: false }, server: { path: '/metrics' } }), [])
})

t.test('the variables turn metrics on and off', async (t) => {
  const metricsOf = async (metrics: object | undefined, env: Record<string, string>): Promise<unknown> => (await loadValue(t, { ...metrics !== undefined && { metrics } }, { env })).config?.metrics
  t.strictSame(await metricsOf(undefined, {}), undefined)
  t.strictSame(await metricsOf(undefined, { METRICS_ENABLED: 'true' }), { enabled: true, path: '/metrics' })
  t.strictSame(await metricsOf(undefined, { METRICS_PORT: '9090' }), { port: 9090, enabled: true, path: '/metrics' })
  t.match(await metricsOf({ port: 1 }, { METRICS_ENABLED: 'false', METRICS_PORT: '9090' }), { enabled: false, port: 9090 })
})
