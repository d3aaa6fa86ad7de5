/**
 * Greets somebody. Gantry calls the default export with the arguments, which fit the tool's inputSchema, and a context:
 * `signal` fires when the call is cancelled or its time is up, `logger` writes to the server's log, and
 * `progress(done, total, message)` tells the client how far the work is.
 */
export default function hello ({ name }, context) {
  context.logger.info({ requestId: context.requestId }, 'Saying hello.')
  return `Hello, ${name}!`
}
