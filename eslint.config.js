import neostandard, { plugins } from 'neostandard'

const typescript = plugins['typescript-eslint'].plugin

/** A media type has parameters, any case, and neighbours such as application/json-seq. */
const mediaTypeAsText = 'Compare a media type whole: cut it at the first ";", trim and lower-case it, then use === or Set.has.'
const mediaType = '/^(application|audio|image|multipart|text|video)\\u002F/'
const mediaTypeFaults = [
  {
    selector: `CallExpression[callee.property.name=/^(startsWith|endsWith|includes|indexOf)$/] > Literal.arguments[value=${mediaType}]`,
    message: mediaTypeAsText
  },
  {
    selector: 'CallExpression[callee.property.name=/^(test|exec)$/] > MemberExpression > Literal[regex.pattern=/(application|multipart|text).{1,2}(json|event-stream|form-data|plain)/]',
    message: mediaTypeAsText
  }
]

const unrunTests = 'Every test runs, everywhere: mend it or delete it.'
const unrunTestFaults = [
  { selector: 'CallExpression[callee.property.name=/^(skip|todo|only)$/]', message: unrunTests },
  { selector: 'CallExpression > ObjectExpression.arguments > Property[key.name=/^(skip|todo|only)$/][value.type="Literal"][value.value!=false]', message: unrunTests }
]

const sleep = 'A test does not sleep: await an event, or move the clock it was given. A bounded wait for a condition belongs in test/helpers.'
const sleepFaults = [
  { selector: 'NewExpression[callee.name="Promise"] CallExpression[callee.name="setTimeout"]', message: sleep },
  { selector: 'CallExpression[callee.name="promisify"] > Identifier.arguments[name="setTimeout"]', message: sleep },
  { selector: 'ImportDeclaration[source.value=/^(node:)?timers\\u002Fpromises$/] > ImportSpecifier[imported.name="setTimeout"]', message: sleep }
]

const fastifyPackages = {
  group: ['fastify', 'fastify-plugin', '@fastify/*'],
  message: 'Fastify is for src/plugins, src/routes, src/app.ts and src/server.ts, types included: put what you need behind an interface in src/core/ports.ts.'
}
const jsEndings = {
  regex: '^\\.{1,2}/.*\\.js$',
  message: 'Name the source file: our own imports end in .ts (the build rewrites them).'
}
const outsideWorld = {
  group: ['node:fs', 'node:fs/*', 'node:net', 'node:tls', 'node:dns', 'node:dns/*', 'node:dgram', 'node:http', 'node:https', 'node:http2', 'node:child_process', 'node:cluster', 'node:worker_threads', 'node:process', 'node:os', 'undici', 'pino'],
  message: 'src/core is pure: no I/O and no process. Take what you need as a parameter, with its interface in src/core/ports.ts.'
}

export default [
  { ignores: ['dist/', 'coverage/', '.tap/'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  ...neostandard({ ts: true, noJsx: true }),
  {
    rules: {
      // "${NAME}" in a plain string is how a configuration file names a variable.
      'no-template-curly-in-string': 'off',
      'no-restricted-syntax': ['error', ...mediaTypeFaults]
    }
  },
  {
    files: ['**/*.ts'],
    plugins: { '@typescript-eslint': typescript },
    rules: {
      // A schema and its type share one name; the compiler refuses real doubles.
      '@typescript-eslint/no-redeclare': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      // "void promise" says that the promise is left alone on purpose; it is a statement and never a value.
      'no-void': ['error', { allowAsStatement: true }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description' }],
      '@typescript-eslint/consistent-type-imports': 'error'
    }
  },
  {
    files: ['src/**/*.ts', 'schemas/**/*.ts', 'handlers/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      // The reason of an abort signal is passed on as it is; it has no type.
      'prefer-promise-reject-errors': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }]
    }
  },
  {
    files: ['src/**/*.ts', 'schemas/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [fastifyPackages, jsEndings] }] }
  },
  {
    files: ['src/plugins/**/*.ts', 'src/routes/**/*.ts', 'src/app.ts', 'src/server.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [jsEndings] }] }
  },
  {
    files: ['src/core/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [fastifyPackages, jsEndings, outsideWorld] }],
      'no-restricted-globals': ['error', ...['process', 'fetch'].map((name) => ({ name, message: outsideWorld.message }))]
    }
  },
  {
    // Over stdio, stdout belongs to the protocol.
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: { 'no-console': ['error', { allow: ['error', 'warn'] }] }
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...mediaTypeFaults, ...unrunTestFaults] }
  },
  {
    files: ['test/**/*.test.ts'],
    rules: { 'no-restricted-syntax': ['error', ...mediaTypeFaults, ...unrunTestFaults, ...sleepFaults] }
  }
]
