import fp from 'fastify-plugin'

/**
 * JSON is the only body there is: what browsers may send across sites without asking (text, forms) never reaches a handler.
 * Keys that could reach a prototype are refused by Fastify's own parser; it is asked only about bodies that could hold one, since
 * its search costs more than parsing a small body does.
 */
export default fp(async function jsonBody (app) {
  const parseCarefully = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, function parseJson (request, text, done) {
    if (text.length === 0 || mayReachPrototype(text)) {
      void parseCarefully(request, text, done)
      return
    }
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch (error) {
      done(error as SyntaxError) // translated, like all errors of the edge, by the error handler
      return
    }
    done(null, body)
  })
}, { name: 'json-body', fastify: '5.x' })

/** The names themselves, or an escape or byte order mark behind which they could hide. */
function mayReachPrototype (text: string): boolean {
  return text.includes('__proto__') || text.includes('constructor') || text.includes('\\u') || text.charCodeAt(0) === 0xFEFF
}
