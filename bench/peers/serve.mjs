/** Listens where the environment says, and ends by itself on SIGTERM so that a CPU profile is written. */
export async function serve (app) {
  endOnSignal()
  await app.listen({ host: process.env.HOST, port: Number(process.env.PORT) })
}

/** Leaves through process.exit, which is when Node writes a CPU profile. */
export function endOnSignal () {
  process.once('SIGTERM', () => process.exit(0))
}
