import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { families } from '../../src/metrics/families.ts'
import { processMetrics } from '../../src/metrics/exposition.ts'
import { build, rest } from '../helpers/build.ts'

const deploy = join(import.meta.dirname, '../../deploy')
const prometheus = join(deploy, 'prometheus')

interface Alert { alert: string, expr: string }
interface AlertCase { alertname: string, exp_alerts: unknown[] }
interface Panel { id: number, type: string, title: string, gridPos: { x: number, y: number, w: number, h: number }, targets?: { expr: string }[] }

const alerts = (parse(readFileSync(join(prometheus, 'alerts.yaml'), 'utf8')) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules)
const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana/dashboard.json'), 'utf8')) as { panels: Panel[] }
const shown = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))

/** Runs promtool; what it says comes back unless it is content. */
function promtool (args: readonly string[], options: { cwd?: string, input?: string } = {}): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { encoding: 'utf8', ...options })
  if (error !== undefined) throw error
  return status === 0 ? '' : `${stdout}${stderr}`
}

t.test('the alerts, their own tests and the configuration of a scrape are what Prometheus takes', async (t) => {
  t.equal(promtool(['check', 'rules', 'alerts.yaml'], { cwd: prometheus }), '')
  t.equal(promtool(['test', 'rules', 'alerts.test.yaml'], { cwd: prometheus }), '')
  t.equal(promtool(['check', 'config', 'prometheus.yaml'], { cwd: prometheus }), '')
})

t.test('each alert is shown to be raised, and not to be raised by a server that is well', async (t) => {
  const { tests } = parse(readFileSync(join(prometheus, 'alerts.test.yaml'), 'utf8')) as { tests: { alert_rule_test: AlertCase[] }[] }
  const cases = tests.flatMap(({ alert_rule_test: list }) => list)
  const names = alerts.map(({ alert }) => alert)
  t.strictSame(cases.filter(({ exp_alerts: raised }) => raised.length > 0).map(({ alertname }) => alertname), names)
  t.strictSame(cases.filter(({ exp_alerts: raised }) => raised.length === 0).map(({ alertname }) => alertname), names)
})

t.test('alerts and dashboard know no metric and no label that is not there, and the dashboard shows each', async (t) => {
  const ofProcess = await processMetrics().getMetricsAsJSON()
  const known = new Set([...families, ...ofProcess].flatMap(({ name, type }) => String(type) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]))
  const labels = new Set([...families.flatMap((family) => family.labels), 'le', 'job', 'instance'])
  for (const expr of [...alerts.map((alert) => alert.expr), ...shown]) {
    t.strictSame(namesIn(expr).filter((name) => !known.has(name)), [], expr)
    t.ok(namesIn(expr).length > 0 || /^up\{/.test(expr), expr)
    t.strictSame(labelsIn(expr).filter((label) => !labels.has(label)), [], expr)
  }
  const all = shown.join(' ')
  t.strictSame(families.filter(({ name }) => !all.includes(name)).map(({ name }) => name), [])
})

t.test('each query of the dashboard is one, and no panel lies on another', async (t) => {
  const rules = shown.map((expr, index) => ({ record: `panel:${index}`, expr: expr.replaceAll('$__rate_interval', '5m') }))
  t.ok(rules.length > 20)
  const file = join(t.testdir({ 'dashboard.yaml': stringify({ groups: [{ name: 'dashboard', rules }] }) }), 'dashboard.yaml')
  t.equal(promtool(['check', 'rules', '--lint=none', file]), '')
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const places = panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, index) => `${x + index % w},${y + Math.floor(index / w)}`))
  t.equal(new Set(places).size, places.length)
})

t.test('what this server tells of itself is as Prometheus wants it', async (t) => {
  const app = await build(t, { metrics: {} }, { tools: { echo: () => 'x' } })
  await rest(app, 'echo', {})
  const { payload } = await app.inject('/metrics')
  const own = payload.split('\n').filter((line) => /^(# (HELP|TYPE) )?mcp_/.test(line))
  t.equal(promtool(['check', 'metrics'], { input: `${own.join('\n')}\n` }), '')
})

/** The metrics that a query reads. */
function namesIn (expr: string): string[] {
  return [...expr.matchAll(/\b(?:mcp|process|nodejs)_\w+/g)].map(([name]) => name)
}

/** The labels by which a query chooses and groups. */
function labelsIn (expr: string): string[] {
  const groups = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(',').map((label) => label.trim()))
  return [...groups, ...[...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label = '']) => label)]
}
