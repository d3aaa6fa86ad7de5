/** Goes on with what a handler returned, at once or when it is there. Anything with a `then` counts as a promise, as it does for await. */
export function whenReady<Result> (output: unknown, goOn: (value: unknown) => Result): Result | Promise<Result> {
  if (output instanceof Promise) return output.then(goOn)
  if (typeof output === 'object' && output !== null && 'then' in output && typeof output.then === 'function') return Promise.resolve(output).then(goOn)
  return goOn(output)
}
