import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { formatFaults } from '../src/config/format-faults.ts'
import { validateConfig } from '../src/validate.ts'
import { root } from './helpers/server.ts'
import { fencedBlocks } from './helpers/shell-example.ts'

const page = readFileSync(join(root, 'docs/handlers.md'), 'utf8')
const env = { WEATHER_TOKEN: 'x' }

t.test('every entry that the page shows is sound', async (t) => {
  const blocks = fencedBlocks(page, 'json').map((block) => JSON.parse(block) as Record<string, unknown>)
  t.ok(blocks.length >= 4)
  const folder = t.testdir()
  for (const file of sourceFiles()) write(folder, file)
  const file = join(folder, 'gantry.json')
  writeFileSync(file, JSON.stringify({ databases: { main: { database: 'shop' } }, tools: blocks.map(toolOf) }))
  const { faults } = await validateConfig({ file, cwd: folder, env })
  t.equal(formatFaults(faults, 'handlers.md'), '')
})

t.test('every program on the page fits the types that it imports', async (t) => {
  const files = sourceFiles().filter(({ name }) => name.endsWith('.ts'))
  t.ok(files.length >= 2)
  // In the project, so that the packages it imports are found.
  const folder = t.testdir()
  const paths = files.map((file) => write(folder, file))
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(join(root, 'tsconfig.json'), (file) => readFileSync(file, 'utf8')).config, ts.sys, root)
  const program = ts.createProgram(paths, { ...options, noEmit: true, paths: { 'mcp-gantry': [join(root, 'src/index.ts')] } })
  const faults = paths.flatMap((path) => [...program.getSyntacticDiagnostics(program.getSourceFile(path)), ...program.getSemanticDiagnostics(program.getSourceFile(path))])
  t.strictSame(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
})

t.test('every file and heading that the page links to is there', async (t) => {
  const links = [...page.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, target = '']) => target)
  t.ok(links.length > 5)
  for (const link of links) {
    const [file = '', heading] = link.split('#')
    const target = file === '' ? join(root, 'docs/handlers.md') : join(root, 'docs', file)
    t.ok(existsSync(target), link)
    if (heading !== undefined) t.ok(headings(readFileSync(target, 'utf8')).includes(heading), link)
  }
})

/** A whole tool; a handler alone; or a part of an `http` handler. */
function toolOf (block: Record<string, unknown>, index: number): object {
  if ('handler' in block) return block
  const handler = 'type' in block ? block : { type: 'http', url: 'https://api.example.com/', ...block }
  return { name: `example-${index}`, inputSchema: { type: 'object' }, handler }
}

/** Blocks of JavaScript and TypeScript, which say on their first line which file they are. */
function sourceFiles (): { name: string, text: string }[] {
  return ['js', 'ts'].flatMap((language) => fencedBlocks(page, language)).map((text) => {
    const name = /^\/\/ (?<name>\S+)\n/.exec(text)?.groups?.['name']
    if (name === undefined) throw new Error(`This block does not say which file it is:\n${text}`)
    return { name, text }
  })
}

function write (folder: string, { name, text }: { name: string, text: string }): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

/** As GitHub makes them. */
function headings (text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-'))
}
