import t from 'tap'
import { pathText, type Fault } from '../../src/config/fault.ts'
import { faultsToJson, formatFaults } from '../../src/config/format-faults.ts'

const faults: readonly Fault[] = [
  { path: ['tools', 0, 'inputShema'], message: 'Unknown key "inputShema".', line: 4, column: 7, suggestion: 'Did you mean "inputSchema"?', atKey: true },
  { path: ['port'], message: 'Expected a whole number, found the text "x".', line: 2, column: 11, found: 'the text "x"', expected: 'a whole number' },
  { path: ['host'], message: 'HOST does not fit.' },
  { path: [], message: 'This is not valid JSON.', line: 1, column: 1 }
]

t.test('people get one block for each fault, in the order of the file', async (t) => {
  t.equal(formatFaults(faults, 'conf/c.json'), [
    'conf/c.json  $.host',
    '  HOST does not fit.',
    'conf/c.json:1:1',
    '  This is not valid JSON.',
    'conf/c.json:2:11  $.port',
    '  Expected a whole number, found the text "x".',
    'conf/c.json:4:7  $.tools[0].inputShema',
    '  Unknown key "inputShema".',
    '  Did you mean "inputSchema"?'
  ].join('\n'))
})

t.test('colour only when it is asked for', async (t) => {
  t.notMatch(formatFaults(faults, 'c.json'), '\u001B')
  t.match(formatFaults(faults, 'c.json', { color: true }), '\u001B[1mc.json:2:11\u001B[22m  $.port')
})

t.test('programs get every fact', async (t) => {
  t.strictSame(faultsToJson(faults.slice(0, 2)), [
    { path: '$.port', keys: ['port'], message: 'Expected a whole number, found the text "x".', line: 2, column: 11, found: 'the text "x"', expected: 'a whole number' },
    { path: '$.tools[0].inputShema', keys: ['tools', 0, 'inputShema'], message: 'Unknown key "inputShema".', line: 4, column: 7, suggestion: 'Did you mean "inputSchema"?' }
  ])
})

t.test('nothing in a name can forge a line or act on a terminal', async (t) => {
  const text = formatFaults([{ path: ['a\u001B[31m\nfake.json:1:1', 'b\u202E'], message: 'one\ntwo\u001B[2J', line: 1, column: 1 }], 'c\n.json')
  t.equal(text.split('\n').length, 2)
  for (const character of ['\u001B', '\u202E']) t.notOk(text.includes(character))
})

t.test('paths are written as people write them', async (t) => {
  t.equal(pathText([]), '$')
  t.equal(pathText(['tools', 3, 'name']), '$.tools[3].name')
  t.equal(pathText(['perTool', 'a-b', '']), '$.perTool["a-b"][""]')
})
