import t from 'tap'
import { doors, House } from './doors.ts'

t.test('an address that is not listed is refused at every door that is not public, in one way', async (t) => {
  const house = await House.open(t, { ipWhitelist: ['192.0.2.1'] })
  for (const door of doors) {
    const { status, text } = await house.knock(door)
    t.equal(status, door.isPublic === true ? door.open : 403, door.name)
    if (door.isPublic !== true && door.method !== 'HEAD') t.match(text, 'Requests from this address are not served.', door.name)
  }
})

t.test('a listed address comes in at every door, as if there were no list', async (t) => {
  const house = await House.open(t, { ipWhitelist: ['192.0.2.1', '127.0.0.0/8'] })
  for (const door of doors) t.equal((await house.knock(door)).status, door.open, door.name)
})
