import { readFile } from 'node:fs/promises'
import { isUtf8 } from 'node:buffer'
import mime from 'mime'
import { ToolFailedError } from '../core/call-errors.ts'
import { ResourceUnknownError } from '../core/errors.ts'
import { isObject } from '../core/json-rpc.ts'
import type { JsonObject } from '../core/ports.ts'
import type { ResourceContents } from '../../schemas/mcp.ts'
import { findAllowedFile, FileRefusedError, type FileBounds } from './allowed-file.ts'
import { compileTemplateText, compileTemplateValue } from './template-text.ts'

/** What a resource holds that has no handler. */
export interface Content {
  /** Reads it, at an address and, for templates, with the values of its variables. */
  read (uri: string, variables: JsonObject): ResourceContents[] | Promise<ResourceContents[]>
  /** The file that it is, where it is one. Absolute. */
  readonly file?: string
}

/** Content that stands in the configuration: text, or any JSON value as JSON text. Strings in it may hold `{{variable}}`. */
export function createInlineContent (content: unknown, mimeType: string | undefined): Content {
  const type = mimeType ?? (typeof content === 'string' ? 'text/plain' : 'application/json')
  const fill = compileTemplateValue(content)
  return {
    read (uri, variables) {
      const filled = fill(variables)
      return [{ uri, mimeType: type, text: typeof filled === 'string' ? filled : JSON.stringify(filled) }]
    }
  }
}

export function createBlobContent (blob: string, mimeType = 'application/octet-stream'): Content {
  return { read: (uri) => [{ uri, mimeType, blob }] }
}

/** A file, read anew each time. Throws FileRefusedError when it is not there or lies outside of the allowed roots. */
export function createFileContent (path: string, mimeType: string | undefined, bounds: FileBounds): Content {
  const file = findAllowedFile(path, bounds)
  return { file, read: (uri) => readContents(uri, file, mimeType) }
}

/**
 * The file of a template. Its path may hold `{{variable}}`, each of which stays one segment; the file still has to lie below an allowed
 * root, and one that is not there is an unknown resource. Throws FileRefusedError for a path without a variable that leads nowhere.
 */
export function createFilesContent (path: string, mimeType: string | undefined, bounds: FileBounds): Content {
  const template = compileTemplateText(path)
  if (template.names.length === 0) return createFileContent(path, mimeType, bounds)
  return {
    read (uri, variables) {
      for (const name of template.names) if (!isSegment(variables[name])) throw new ResourceUnknownError(uri)
      try {
        return readContents(uri, findAllowedFile(template.fill(variables), bounds), mimeType)
      } catch (error) {
        if (error instanceof FileRefusedError) throw new ResourceUnknownError(uri)
        throw error
      }
    }
  }
}

/** One name in a directory: nothing that could step aside or down. */
function isSegment (value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value !== '.' && value !== '..' && !/[/\\\0]/.test(value)
}

async function readContents (uri: string, file: string, declared: string | undefined): Promise<ResourceContents[]> {
  let bytes
  try {
    bytes = await readFile(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') throw new ResourceUnknownError(uri)
    // Its own words would tell clients where the file lies.
    throw new ToolFailedError(`The file of ${uri} cannot be read${code === undefined ? '' : ` (${code})`}.`, { cause: error })
  }
  return [contentsOf(uri, bytes, declared ?? typeOf(file, bytes))]
}

const typescriptEnding = /\.[cm]?tsx?$/

/** By its ending. The registered types take TypeScript for video, whose files end in `.ts`, too: the bytes tell the two apart. */
function typeOf (file: string, bytes: Uint8Array): string | undefined {
  return typescriptEnding.test(file) && isUtf8(bytes) ? 'text/x-typescript' : mime.getType(file) ?? undefined
}

const binaryFamilies = /^(?:image|audio|video|font)\/|^application\/(?:octet-stream|pdf|zip|gzip|wasm)$/

/** Text where the type allows and the bytes are UTF-8, else base64. */
export function contentsOf (uri: string, bytes: Uint8Array, mimeType: string | undefined): ResourceContents {
  const isText = (mimeType === undefined || mimeType === 'image/svg+xml' || !binaryFamilies.test(mimeType)) && isUtf8(bytes)
  return isText
    ? { uri, mimeType: mimeType ?? 'text/plain', text: Buffer.from(bytes).toString('utf8') }
    : { uri, mimeType: mimeType ?? 'application/octet-stream', blob: Buffer.from(bytes).toString('base64') }
}

/** What a handler returned: a full result, bytes, a string, or any JSON value. */
export function contentsOfOutput (uri: string, output: unknown, mimeType: string | undefined): unknown {
  if (isObject(output) && Array.isArray(output['contents'])) return output
  if (output instanceof Uint8Array) return { contents: [contentsOf(uri, output, mimeType)] }
  if (typeof output === 'string') return { contents: [{ uri, mimeType: mimeType ?? 'text/plain', text: output }] }
  return { contents: [{ uri, mimeType: mimeType ?? 'application/json', text: JSON.stringify(output) }] }
}
