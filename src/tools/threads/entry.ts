/** What a Worker is started with. */
export interface ThreadEntry { readonly entry: string | URL, readonly isText: boolean }

/**
 * The built worker.js beside a module; or, when that runs from its sources, a line that loads worker.ts: tsx does not follow `--import`
 * into threads on Node 20. `resolve` is that of the module.
 */
export function entryBeside (moduleUrl: string, resolve: (specifier: string) => string): ThreadEntry {
  if (!moduleUrl.endsWith('.ts')) return { entry: new URL('./worker.js', moduleUrl), isText: false }
  const tsx = JSON.stringify(resolve('tsx/esm/api'))
  const file = JSON.stringify(new URL('./worker.ts', moduleUrl).href)
  return { entry: `import(${tsx}).then(({ register }) => { register(); return import(${file}) })`, isText: true }
}
