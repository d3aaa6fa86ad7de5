import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ts from 'typescript'

/** One import, export … from, import() or import type of a source file. */
export interface Import {
  readonly file: string
  readonly line: number
  /** The file it leads to, from the root of the tree, or the name of a package. */
  readonly target: string
  readonly isPackage: boolean
  readonly isTypeOnly: boolean
}

export interface Source { readonly file: string, readonly lines: number, readonly imports: readonly Import[] }

/** Reads every source file below the given folders of a tree; a folder that is not there has none. */
export function readSources (root: string, folders: readonly string[]): Source[] {
  return folders.flatMap((folder) => filesBelow(root, folder)).map((file) => readSource(root, file))
}

/** The source files below a folder of a tree, by their path from its root. */
export function filesBelow (root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

function readSource (root: string, file: string): Source {
  const text = readFileSync(join(root, file), 'utf8')
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  visit(tree)
  return { file, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0), imports }

  function visit (node: ts.Node): void {
    const found = specifierOf(node)
    if (found !== undefined) {
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart(tree))
      const isPackage = !found.specifier.startsWith('.')
      imports.push({
        file,
        line: line + 1,
        target: isPackage ? found.specifier : join(dirname(file), found.specifier).split(sep).join('/'),
        isPackage,
        isTypeOnly: found.isTypeOnly
      })
    }
    ts.forEachChild(node, visit)
  }
}

function specifierOf (node: ts.Node): { specifier: string, isTypeOnly: boolean } | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, isTypeOnly: isForTypes(node.importClause) }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    const { exportClause } = node
    const names = exportClause !== undefined && ts.isNamedExports(exportClause) ? exportClause.elements : []
    return { specifier: node.moduleSpecifier.text, isTypeOnly: node.isTypeOnly || (names.length > 0 && names.every((name) => name.isTypeOnly)) }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { specifier: node.argument.literal.text, isTypeOnly: true }
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments
    return argument !== undefined && ts.isStringLiteralLike(argument) ? { specifier: argument.text, isTypeOnly: false } : undefined
  }
  return undefined
}

function isForTypes (clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.isTypeOnly) return true
  const names = clause.namedBindings
  return clause.name === undefined && names !== undefined && ts.isNamedImports(names) && names.elements.length > 0 && names.elements.every((name) => name.isTypeOnly)
}

/** Each cycle once, as the files in the order in which they import each other, the first one repeated at the end. */
export function findCycles (sources: readonly Source[]): string[][] {
  const targets = new Map(sources.map(({ file, imports }) => [file, imports.filter((found) => !found.isPackage).map((found) => found.target)]))
  const done = new Set<string>()
  const trail: string[] = []
  const cycles: string[][] = []
  for (const { file } of sources) follow(file)
  return cycles

  function follow (file: string): void {
    const start = trail.indexOf(file)
    if (start !== -1) cycles.push([...trail.slice(start), file])
    if (start !== -1 || done.has(file)) return
    trail.push(file)
    for (const target of new Set(targets.get(file) ?? [])) follow(target)
    trail.pop()
    done.add(file)
  }
}
