import t from 'tap'
import { challengeText } from '../../src/auth/challenge.ts'

t.test('a challenge says what it is told, in the order of the specifications', async (t) => {
  t.equal(challengeText({ realm: 'my server' }), 'Bearer realm="my server"')
  t.equal(
    challengeText({ realm: 'x', error: 'insufficient_scope', scopes: ['a:b', 'c'], resourceMetadata: 'https://a.example/.well-known/oauth-protected-resource/mcp' }),
    'Bearer realm="x", error="insufficient_scope", scope="a:b c", resource_metadata="https://a.example/.well-known/oauth-protected-resource/mcp"'
  )
  t.equal(challengeText({ realm: 'x', scopes: [] }), 'Bearer realm="x"', 'no scope is not an empty one')
})

t.test('nothing that it is told can leave its quotes', async (t) => {
  t.equal(challengeText({ realm: 'a"b\\c\r\nx: y\u{1f600}ü' }), 'Bearer realm="a\\"b\\\\cx: y"')
})
