import { HandlerLoadError, InvalidParamsError, ResourceUnknownError, ToolOutputInvalidError } from '../core/errors.ts'
import type { CacheHint, ResourceEntry, ResourceTemplateEntry } from '../core/entries.ts'
import type { CallTarget, Invoke, Pipeline } from '../core/pipeline.ts'
import { compileUriTemplate, UriTemplateFaultError, type UriTemplate } from '../core/uri-template.ts'
import { compileCheck, type Check } from '../core/validation.ts'
import type { ToolHandler } from '../core/ports.ts'
import { ReadResourceResult } from '../../schemas/mcp.ts'
import type { ResourceConfig } from '../../schemas/resource.ts'
import { FileRefusedError, findAllowedFile, type FileBounds } from './allowed-file.ts'
import { whenReady } from './await.ts'
import { contentsOfOutput, createBlobContent, createFileContent, createInlineContent, type ReadContent } from './resource-content.ts'

export interface ResourceParts {
  config: ResourceConfig
  /** Its resolved handler, when it has one. */
  handler: ToolHandler | undefined
  timeoutMs: number
  bounds: FileBounds
  pipeline: Pipeline
}

/** What stands in the file changes with it; what is computed may differ for each caller and each time. */
const fixedHint: CacheHint = { ttlMs: 300_000, cacheScope: 'public' }
const changingHint: CacheHint = { ttlMs: 0, cacheScope: 'private' }

/** Compiles a resource or a template: which one, the configuration says. Throws HandlerLoadError. */
export function buildResourceEntry (parts: ResourceParts): ResourceEntry | ResourceTemplateEntry {
  const { config, pipeline, timeoutMs } = parts
  const { uri, uriTemplate } = config
  const target: CallTarget<ReadResourceResult> = {
    kind: 'resource',
    name: uri ?? uriTemplate ?? '',
    timeoutMs,
    checkArguments: undefined,
    refuseArguments: () => new InvalidParamsError('The URI does not fit.'),
    run: createRun(parts)
  }
  const entry = { target, invoke: pipeline.compose(target), cacheHint: config.content !== undefined || config.blob !== undefined ? fixedHint : changingHint }
  if (uriTemplate === undefined) {
    const file = config.file === undefined ? undefined : findFile(config.file, parts.bounds)
    return { ...entry, file, description: { uri: uri ?? '', ...facts(config), ...(config.size !== undefined && { size: config.size }) } }
  }
  const template = compileTemplate(uriTemplate)
  return { ...entry, description: { uriTemplate, ...facts(config) }, template, completions: completionsOf(config, template) }
}

function findFile (path: string, bounds: FileBounds): string {
  try {
    return findAllowedFile(path, bounds)
  } catch (error) {
    if (error instanceof FileRefusedError) throw new HandlerLoadError(['file'], error.message, { cause: error })
    throw error
  }
}

export function isTemplateEntry (entry: ResourceEntry | ResourceTemplateEntry): entry is ResourceTemplateEntry {
  return 'template' in entry
}

function facts ({ name, title, description, mimeType, annotations, icons, _meta }: ResourceConfig): Omit<ResourceEntry['description'], 'uri'> {
  return {
    name,
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    ...(mimeType !== undefined && { mimeType }),
    ...(annotations !== undefined && { annotations }),
    ...(icons !== undefined && { icons }),
    ...(_meta !== undefined && { _meta })
  }
}

function compileTemplate (text: string): UriTemplate {
  try {
    return compileUriTemplate(text)
  } catch (error) {
    if (error instanceof UriTemplateFaultError) throw new HandlerLoadError(['uriTemplate'], error.message, { cause: error })
    throw error
  }
}

function completionsOf ({ complete = {} }: ResourceConfig, { variables }: UriTemplate): ReadonlyMap<string, readonly string[]> {
  for (const name of Object.keys(complete)) {
    if (!variables.includes(name)) throw new HandlerLoadError(['complete', name], `The template has no variable ${JSON.stringify(name)}. It has: ${variables.join(', ')}.`)
  }
  return new Map(Object.entries(complete))
}

let checkResult: Check | undefined

function createRun ({ config, handler, bounds }: ResourceParts): Invoke<ReadResourceResult> {
  if (handler === undefined) {
    const read = createReadContent(config, bounds)
    return (variables, { metadata: { uri = '' } }) => whenReady(read(uri, variables), (contents) => ({ contents: contents as ReadResourceResult['contents'] }))
  }
  return (variables, context) => {
    const { uri = '' } = context.metadata
    return whenReady(handler(variables, context), (output) => {
      // A handler that has nothing at this address says so by returning nothing. 2026-07-28 server/resources, Error Handling.
      if (output === undefined || output === null) throw new ResourceUnknownError(uri)
      const result = contentsOfOutput(uri, output, config.mimeType)
      checkResult ??= compileCheck(ReadResourceResult, { defaults: false })
      const mismatches = checkResult(result)
      if (mismatches !== undefined) throw new ToolOutputInvalidError(`The resource ${uri}`, mismatches)
      return result as ReadResourceResult // the check above says so
    })
  }
}

function createReadContent ({ content, blob, file, mimeType }: ResourceConfig, bounds: FileBounds): ReadContent {
  if (file !== undefined) {
    try {
      return createFileContent(file, mimeType, bounds)
    } catch (error) {
      if (error instanceof FileRefusedError) throw new HandlerLoadError(['file'], error.message, { cause: error })
      throw error
    }
  }
  return blob === undefined ? createInlineContent(content, mimeType) : createBlobContent(blob, mimeType)
}
