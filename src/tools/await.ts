/**
 * Goes on with what a handler returned, at once or when it is there. Anything with a `then` counts as a promise, as it does for await; what
 * comes back is a plain promise, whatever a promise of the handler's own making does.
 */
export function whenReady<Result> (output: unknown, goOn: (value: unknown) => Result): Result | Promise<Result> {
  if (output instanceof Promise && output.constructor === Promise && output.then === Promise.prototype.then) return output.then(goOn)
  if (typeof output === 'object' && output !== null && 'then' in output && typeof output.then === 'function') {
    return new Promise<unknown>((resolve) => { resolve(output) }).then(goOn)
  }
  return goOn(output)
}
