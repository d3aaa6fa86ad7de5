/**
 * The environment as it was before tap put its own into it. Programs that a test starts are then as fast as they are for a user, and
 * a tap among them is not steered by the one outside. Nor do they get this machine's own certificates: no test speaks with anything
 * outside of it, and Node would read them all at each start, which takes it longer than the rest of its start.
 */
export function plainEnvironment (): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^_?TAP|^NODE_OPTIONS$|^NODE_EXTRA_CA_CERTS$/.test(name)))
}
