import type { CallKind } from './calls.ts'

/** One server under one kind of request: a row of the table. */
export type Scenario = {
  name: string
  title: string
  /** The command after `node`, from the project root. */
  command: readonly [entry: string, ...args: string[]]
  call: CallKind
  /** Name of the npm package whose version belongs in the report. */
  package?: string
  /** True when it needs a PostgreSQL, whose URL it gets in DATABASE_URL. */
  database?: boolean
  /** True when the entry exists only after a build. */
  built?: boolean
}

/** The claim that `of` costs at least `atLeast` times the CPU per request that `than` costs. */
export type Bar = { claim: string, of: string, than: string, atLeast: number }

const GANTRY = ['dist/src/server.js', 'bench/config/add.json'] as const

/** The rows, in the order of the table and of each round. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'bare', title: 'bare Fastify route', command: ['bench/peers/bare.mjs'], call: 'route', package: 'fastify' },
  { name: 'bare-modern', title: 'bare Fastify route, bytes of 2026-07-28', command: ['bench/peers/bare.mjs'], call: 'modern', package: 'fastify' },
  { name: 'bare-key', title: 'bare Fastify route, the same with an API key', command: ['bench/peers/bare.mjs'], call: 'modern-key', package: 'fastify' },
  { name: 'bare-session', title: 'bare Fastify route, bytes of a 2025 session', command: ['bench/peers/bare.mjs'], call: 'session-bytes', package: 'fastify' },
  { name: 'gantry', title: 'Gantry, 2026-07-28', command: GANTRY, call: 'modern', built: true },
  { name: 'gantry-session', title: 'Gantry, 2025 session', command: GANTRY, call: 'session', built: true },
  { name: 'gantry-access', title: 'Gantry, 2026-07-28, key, permissions, rate limits', command: ['dist/src/server.js', 'bench/config/access.json'], call: 'modern-key', built: true },
  { name: 'gantry-audit', title: 'the same with an audit log', command: ['dist/src/server.js', 'bench/config/audit.json'], call: 'modern-key', built: true },
  { name: 'gantry-cached', title: 'Gantry, 2026-07-28, results kept in memory', command: ['dist/src/server.js', 'bench/config/cached.json'], call: 'modern', built: true },
  { name: 'gantry-observed', title: 'Gantry, 2026-07-28, a line for each request and metrics', command: ['dist/src/server.js', 'bench/config/observed.json'], call: 'modern', built: true },
  { name: 'gantry-rest', title: 'Gantry, POST /tools/add', command: GANTRY, call: 'rest', built: true },
  { name: 'bare-sql', title: 'bare Fastify route with pg, bytes of 2026-07-28', command: ['bench/peers/bare-sql.mjs'], call: 'modern', package: 'pg', database: true },
  { name: 'gantry-sql', title: 'Gantry, 2026-07-28, sql tool', command: ['dist/src/server.js', 'bench/config/sql.json'], call: 'modern', built: true, database: true },
  {
    name: 'sdk-v2',
    title: 'SDK v2 createMcpHandler, 2026-07-28',
    command: ['bench/peers/sdk-v2.mjs'],
    call: 'modern',
    package: '@modelcontextprotocol/server'
  },
  {
    name: 'sdk-v1',
    title: 'SDK v1, 2025 session',
    command: ['bench/peers/sdk-v1.mjs'],
    call: 'session',
    package: '@modelcontextprotocol/sdk'
  },
  { name: 'fastmcp', title: 'fastmcp, 2025 session', command: ['bench/peers/fastmcp.mjs'], call: 'session', package: 'fastmcp' }
]

/** The rows that every other row is compared with. */
export const REFERENCES = [
  { name: 'bare', heading: 'bare ÷ this' },
  { name: 'sdk-v2', heading: 'SDK v2 ÷ this' }
] as const

/**
 * What the project promises about its CPU per request. A bare route is the floor for the same load: the same bytes in and out, checked
 * by an equivalent body schema. What an MCP request costs more than `{ a, b }` because it is larger, the rows `bare-*` show.
 */
export const BARS: readonly Bar[] = [
  { claim: 'bare route ÷ Gantry (2026-07-28) ≥ 0.85, same bytes', of: 'bare-modern', than: 'gantry', atLeast: 0.85 },
  { claim: 'bare route ÷ Gantry (2025 session) ≥ 0.85, same bytes', of: 'bare-session', than: 'gantry-session', atLeast: 0.85 },
  { claim: 'bare route ÷ Gantry with access control ≥ 0.75, same bytes', of: 'bare-key', than: 'gantry-access', atLeast: 0.75 },
  { claim: 'bare route ÷ Gantry with access control and audit ≥ 0.75, same bytes', of: 'bare-key', than: 'gantry-audit', atLeast: 0.75 },
  { claim: 'bare route ÷ Gantry with a kept result ≥ 0.8, same bytes', of: 'bare-modern', than: 'gantry-cached', atLeast: 0.8 },
  { claim: 'Gantry ÷ Gantry with lines of requests and metrics ≥ 0.85', of: 'gantry', than: 'gantry-observed', atLeast: 0.85 },
  { claim: 'bare route with pg ÷ Gantry with an sql tool ≥ 0.80, same bytes', of: 'bare-sql', than: 'gantry-sql', atLeast: 0.8 },
  { claim: 'Gantry (2026-07-28) ≤ ⅛ of SDK v2', of: 'sdk-v2', than: 'gantry', atLeast: 8 },
  { claim: 'Gantry (2025 session) ≤ ⅛ of SDK v2', of: 'sdk-v2', than: 'gantry-session', atLeast: 8 }
]
