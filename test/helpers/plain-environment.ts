/**
 * The environment as it was before tap put its own into it. Programs that a test starts are then as fast as they are for a user, and
 * a tap among them is not steered by the one outside.
 */
export function plainEnvironment (): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP|^NODE_OPTIONS$/.test(name)))
}
