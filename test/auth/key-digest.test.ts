import { createHmac, randomBytes } from 'node:crypto'
import t from 'tap'
import { createKeyDigest } from '../../src/auth/key-digest.ts'

t.test('a digest is HMAC-SHA-256, whatever the length of salt and key', async (t) => {
  for (const saltBytes of [0, 1, 32, 63, 64, 65, 200]) {
    for (const keyBytes of [0, 1, 43, 64, 500]) {
      const [salt, key] = [randomBytes(saltBytes).toString('latin1'), randomBytes(keyBytes).toString('base64')]
      t.equal(createKeyDigest(salt)(key).toString('hex'), createHmac('sha256', salt).update(key).digest('hex'), `${saltBytes}, ${keyBytes}`)
    }
  }
})
