import { ToolOutputInvalidError } from '../core/call-errors.ts'
import { HandlerLoadError, InvalidParamsError, ResourceUnknownError } from '../core/errors.ts'
import type { CompletionLists, ResourceEntry, ResourceTemplateEntry } from '../core/entries.ts'
import type { CallTarget, Invoke, Pipeline } from '../core/pipeline.ts'
import { compileUriTemplate, UriTemplateFaultError, type UriTemplate } from '../core/uri-template.ts'
import { compileCheck, type Check } from '../core/validation.ts'
import type { ToolHandler } from '../core/ports.ts'
import { ReadResourceResult } from '../../schemas/mcp.ts'
import type { ResourceConfig } from '../../schemas/resource.ts'
import { FileRefusedError, type FileBounds } from './allowed-file.ts'
import { whenReady } from './await.ts'
import { contentsOfOutput, createBlobContent, createFileContent, createFilesContent, createInlineContent, type Content } from './resource-content.ts'
import { allOf } from './together.ts'

export interface ResourceParts {
  config: ResourceConfig
  /** Its resolved handler, when it has one. */
  handler: ToolHandler | undefined
  content: Content | undefined
  address: Address | undefined
  timeoutMs: number
  pipeline: Pipeline
}

/** The address of a template: how it is matched, and the values that completion offers for its variables. */
export interface Address { template: UriTemplate, completions: CompletionLists }

/** Composes a resource or a template: which one, the configuration says. */
export function buildResourceEntry (parts: ResourceParts): ResourceEntry | ResourceTemplateEntry {
  const { config, content, address, pipeline, timeoutMs } = parts
  const { uri, uriTemplate } = config
  const target: CallTarget<ReadResourceResult> = {
    kind: 'resource',
    name: uri ?? uriTemplate ?? '',
    timeoutMs,
    checkArguments: undefined,
    refuseArguments: () => new InvalidParamsError('The URI does not fit.'),
    run: createRun(parts)
  }
  const group = config.content !== undefined || config.blob !== undefined ? 'content' : 'resources'
  const entry = { target, invoke: pipeline.compose(target), caching: { group, own: config.cacheHint } } as const
  if (uriTemplate === undefined || address === undefined) {
    return { ...entry, file: content?.file, description: { uri: uri ?? '', ...facts(config), ...(config.size !== undefined && { size: config.size }) } }
  }
  return { ...entry, ...address, description: { uriTemplate, ...facts(config) } }
}

/** What a resource without a handler holds. Throws a HandlerLoadError for a file that may not be served. */
export function compileContent ({ uri, content, blob, file, mimeType }: ResourceConfig, bounds: FileBounds): Content | undefined {
  if (file === undefined) return blob !== undefined ? createBlobContent(blob, mimeType) : content !== undefined ? createInlineContent(content, mimeType) : undefined
  try {
    return uri === undefined ? createFilesContent(file, mimeType, bounds) : createFileContent(file, mimeType, bounds)
  } catch (error) {
    if (error instanceof FileRefusedError) throw new HandlerLoadError(['file'], error.message, { cause: error })
    throw error
  }
}

/** Compiles the address of a template; a plain resource has none to compile. Throws as `allOf` does. */
export function compileAddress ({ uriTemplate, complete = {} }: ResourceConfig): Address | undefined {
  if (uriTemplate === undefined) return undefined
  const template = compileTemplate(uriTemplate)
  allOf(...Object.keys(complete).map((name) => () => { checkVariable(name, template) }))
  return { template, completions: new Map(Object.entries(complete)) }
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

function checkVariable (name: string, { variables }: UriTemplate): void {
  if (!variables.includes(name)) throw new HandlerLoadError(['complete', name], `The template has no variable ${JSON.stringify(name)}. It has: ${variables.join(', ')}.`)
}

let checkResult: Check | undefined

function createRun ({ config, handler, content }: ResourceParts): Invoke<ReadResourceResult> {
  if (handler === undefined) {
    const { read } = content as Content // the schema of the configuration demands one or the other
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
