import type { Test } from 'tap'
import type { EventBus } from '../../src/core/bus.ts'
import type { JsonObject } from '../../src/core/ports.ts'
import type { Recorder } from '../helpers/log-recorder.ts'
import { deferred } from '../helpers/waiting.ts'

export interface OpenedBus {
  /** The buses of two instances; the same one twice where there is but one. */
  here: EventBus
  there: EventBus
  log: Recorder
}

/** Collects the events of a channel; `reached` waits for one of them. */
export async function collect (bus: EventBus, channel: string) {
  const events: JsonObject[] = []
  const waiting = new Map<unknown, () => void>()
  const unsubscribe = await bus.subscribe(channel, (event) => {
    events.push(event)
    waiting.get(event['n'])?.()
  })
  return {
    events,
    unsubscribe,
    async reached (n: unknown) {
      const { promise, resolve } = deferred()
      waiting.set(n, resolve)
      if (events.some((event) => event['n'] === n)) resolve()
      await promise
    }
  }
}

/** What every event bus promises. */
export function busContract (t: Test, open: (t: Test) => Promise<OpenedBus>): void {
  t.test('an event reaches all that listen, on every instance, whole', async (t) => {
    const { here, there } = await open(t)
    const listeners = [await collect(here, 'news'), await collect(there, 'news'), await collect(there, 'news')]
    const event = { n: 1, text: 'größer\n"', list: [1, null, { deep: true }] }
    await here.publish('news', event)
    for (const { reached, events } of listeners) {
      await reached(1)
      t.strictSame(events, [event])
    }
  })

  t.test('those that listen to other channels hear nothing of it', async (t) => {
    const { here, there } = await open(t)
    const [news, weather, newsroom] = [await collect(there, 'news'), await collect(there, 'weather'), await collect(there, 'news:room')]
    await here.publish('news', { n: 1 })
    await here.publish('weather', { n: 2 })
    await here.publish('news:room', { n: 3 })
    await newsroom.reached(3)
    t.strictSame([news.events, weather.events, newsroom.events], [[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
  })

  t.test('who publishes learns whether anybody listens', async (t) => {
    const { here, there } = await open(t)
    t.equal(await here.publish('news', { n: 1 }), 0)
    const [first, second] = [await collect(there, 'news'), await collect(there, 'news')]
    t.equal(await here.publish('news', { n: 2 }), 1, 'instances count, not their listeners')
    t.equal(await there.publish('news', { n: 3 }), 1)
    t.equal(await here.publish('weather', { n: 4 }), 0)
    first.unsubscribe()
    t.equal(await there.publish('news', { n: 5 }), 1)
    second.unsubscribe()
    // What an instance asks Redis is done in order.
    await (await collect(there, 'fence')).unsubscribe()
    t.equal(await here.publish('news', { n: 6 }), 0)
  })

  t.test('events of one publisher arrive in their order', async (t) => {
    const { here, there } = await open(t)
    const { events, reached } = await collect(there, 'news')
    const numbers = Array.from({ length: 500 }, (_, n) => n)
    await Promise.all(numbers.map((n) => here.publish('news', { n })))
    await reached(499)
    t.strictSame(events.map(({ n }) => n), numbers)
  })

  t.test('a channel may have any name', async (t) => {
    const { here, there } = await open(t)
    for (const name of ['constructor', '__proto__', 'a*b?', 'über', 'x'.repeat(500)]) {
      const { reached, events } = await collect(there, name)
      await here.publish(name, { n: 1 })
      await reached(1)
      t.equal(events.length, 1)
    }
  })

  t.test('nobody is called inside of publish', async (t) => {
    const { here } = await open(t)
    const { events, reached } = await collect(here, 'news')
    const published = here.publish('news', { n: 1 })
    t.equal(events.length, 0)
    await published
    await reached(1)
  })

  t.test('a listener that throws or rejects harms nobody but itself, and the log has it', async (t) => {
    const { here, there, log } = await open(t)
    const before = await collect(there, 'news')
    await there.subscribe('news', () => { throw new Error('listener one') })
    await there.subscribe('news', async () => { throw new Error('listener two') })
    const after = await collect(there, 'news')
    await here.publish('news', { n: 1 })
    await here.publish('news', { n: 2 })
    await before.reached(2)
    await after.reached(2)
    t.strictSame([before.events.length, after.events.length], [2, 2])
    t.match(log.lines.filter(({ level }) => level === 'error').slice(0, 2), [{ facts: { err: { message: 'listener one' }, channel: 'news' } }, { facts: { err: { message: /listener/ } } }])
  })

  t.test('who has left hears no more, and leaving twice changes nothing', async (t) => {
    const { here, there } = await open(t)
    const [stays, leaves] = [await collect(there, 'news'), await collect(there, 'news')]
    leaves.unsubscribe()
    leaves.unsubscribe()
    await here.publish('news', { n: 1 })
    await stays.reached(1)
    t.strictSame(leaves.events, [])
    stays.unsubscribe()
    const back = await collect(there, 'news')
    await here.publish('news', { n: 2 })
    await back.reached(2)
    t.strictSame([stays.events.length, leaves.events.length], [1, 0])
  })

  t.test('one function that listens twice hears twice, and leaves one at a time', async (t) => {
    const { here, there } = await open(t)
    let calls = 0
    const listener = (): void => { calls++ }
    const [first] = [await there.subscribe('news', listener), await there.subscribe('news', listener)]
    const fence = await collect(there, 'news')
    await here.publish('news', { n: 1 })
    await fence.reached(1)
    t.equal(calls, 2)
    first()
    first()
    await here.publish('news', { n: 2 })
    await fence.reached(2)
    t.equal(calls, 3)
  })

  t.test('a listener may leave, and let others leave, while it is called', async (t) => {
    const { here, there } = await open(t)
    const heard: string[] = []
    const leaving: (() => void)[] = []
    for (const name of ['one', 'two']) {
      leaving.push(await there.subscribe('news', () => {
        heard.push(name)
        for (const leave of leaving) leave()
      }))
    }
    const fence = await collect(there, 'news')
    await here.publish('news', { n: 1 })
    await here.publish('news', { n: 2 })
    await fence.reached(2)
    t.strictSame(heard, ['one'])
  })

  t.test('many come and go at once, and each hears what it should', async (t) => {
    const { here, there } = await open(t)
    const stayed: Awaited<ReturnType<typeof collect>>[] = []
    await Promise.all(Array.from({ length: 100 }, async (_, each) => {
      const collected = await collect(there, `channel-${each % 10}`)
      if (each % 2 === 0) collected.unsubscribe()
      else stayed.push(collected)
    }))
    await Promise.all(Array.from({ length: 10 }, (_, each) => here.publish(`channel-${each}`, { n: 1 })))
    for (const { reached, events } of stayed) {
      await reached(1)
      t.equal(events.length, 1)
    }
  })

  t.test('after close nobody hears anything', async (t) => {
    const { here } = await open(t)
    const { events } = await collect(here, 'news')
    await here.publish('news', { n: 1 })
    await here.close()
    const heard = events.length
    await Promise.resolve(here.publish('news', { n: 2 })).catch(() => {})
    await new Promise((resolve) => { setImmediate(resolve) })
    t.equal(events.length, heard)
  })
}
