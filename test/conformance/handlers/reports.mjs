import { setTimeout as pause } from 'node:timers/promises'

export async function progress (_args, context) {
  for (const done of [0, 50, 100]) {
    context.progress(done, 100, `Completed step ${done} of 100`)
    await pause(50)
  }
  return 'Done.'
}

export async function logging (_args, context) {
  for (const sentence of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
    context.log('info', sentence)
    await pause(50)
  }
  return 'Done.'
}

/** Lets go of the connection in the middle; the client comes back for the result. */
export async function reconnection (_args, context) {
  context.suspend(200)
  await pause(150)
  return 'Reconnection test completed.'
}
