const suite = /\/node_modules\/(?:@modelcontextprotocol\/conformance|conformance-0-1)\/dist\//

const fileSystem = `data:text/javascript,${encodeURIComponent(`
  export * from 'node:fs'
  export function globSync () { throw new Error('fs.globSync needs Node 22 or later.') }
`)}`

/** Answers the import of fs with one that has a globSync, for the suite alone. */
export async function resolve (specifier, context, next) {
  const isWanted = /^(?:node:)?fs$/.test(specifier) && suite.test(context.parentURL ?? '')
  return isWanted ? { url: fileSystem, shortCircuit: true } : await next(specifier, context)
}
