import t from 'tap'
import { readTraceparent } from '../../src/core/trace-context.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'
const parent = `00-${trace}-${span}-01`

t.test('a place in a trace is read as it stands, sampled or not', async (t) => {
  for (const each of [parent, `00-${trace}-${span}-00`, `00-${trace}-${span}-ff`]) t.equal(readTraceparent(each), each)
})

t.test('of a later version, what this one knows is kept', async (t) => {
  for (const later of [`01-${trace}-${span}-01`, `cc-${trace}-${span}-01-more`, `fe-${trace}-${span}-01-`]) t.equal(readTraceparent(later), parent)
})

t.test('anything else is no place in a trace', async (t) => {
  const others: unknown[] = [
    undefined, null, 5, {}, [parent], '', parent.toUpperCase(), ` ${parent}`, `${parent} `, `${parent}\n`, `${parent}\r\nx: y`, `${parent}, ${parent}`, `${parent}-more`,
    `ff-${trace}-${span}-01`, `00-${'0'.repeat(32)}-${span}-01`, `00-${trace}-${'0'.repeat(16)}-01`, `00-${trace}-${span}`, `00-${trace}-${span}-1`, `00-${trace}a-${span}-01`,
    `0-${trace}-${span}-01`, `00-${trace.replace('4', 'g')}-${span}-01`, `01-${trace}-${span}-01more`, `01-${trace}-${span}-01-\n`, `01-${trace}-${span}-01-${'a'.repeat(1_000)}`
  ]
  for (const other of others) t.equal(readTraceparent(other), undefined, JSON.stringify(other))
})
