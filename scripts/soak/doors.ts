import type { Pool } from 'undici'
import { anything, type Call } from './calls.ts'

/** Calls a tool and says what is wrong with its answer: undefined for what had to come. Rejects when nothing came. */
export type Door = (call: Call) => Promise<string | undefined>

/** The three ways in: REST, and MCP in both eras. */
export async function openDoors (pool: Pool, path: string): Promise<readonly Door[]> {
  const accept = 'application/json, text/event-stream'
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const { statusCode, headers: told, body: answer } = await pool.request({ method: 'POST', path, headers: { 'content-type': 'application/json', accept, ...headers }, body: JSON.stringify(body), headersTimeout: maxWaitMs, bodyTimeout: maxWaitMs })
    return { statusCode, told, text: await answer.text() }
  }
  const clientInfo = { name: 'soak', version: '1' }
  const opened = await post(path, { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } })
  const session = { 'mcp-session-id': String(opened.told['mcp-session-id']) }
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': clientInfo, 'io.modelcontextprotocol/clientCapabilities': {} }
  let lastId = 0
  const message = (params: object) => ({ jsonrpc: '2.0', id: ++lastId, method: 'tools/call', params })
  return [
    async (call) => {
      const { statusCode, text } = await post(`/tools/${call.tool}`, call.args)
      return judge(call, statusCode !== 200, text)
    },
    async (call) => judgeMessage(call, (await post(path, message({ name: call.tool, arguments: call.args }), session)).text),
    async (call) => {
      const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': call.tool }
      return judgeMessage(call, (await post(path, message({ name: call.tool, arguments: call.args, _meta }), headers)).text)
    }
  ]
}

/** Longer than any tool may take. */
const maxWaitMs = 20_000

interface CallMessage { result?: { isError?: boolean, content?: { text?: string }[] } }

function judgeMessage (call: Call, text: string): string | undefined {
  const json = text.startsWith('{') ? text : text.slice(text.lastIndexOf('data: ') + 6)
  const { result } = JSON.parse(json) as CallMessage
  if (result === undefined) return judge(call, true, text)
  return judge(call, result.isError === true, result.content?.map(({ text }) => text).join() ?? '')
}

function judge ({ tool, args, answer }: Call, failed: boolean, text: string): string | undefined {
  if (answer === anything) return undefined
  const expected = answer === undefined ? failed : !failed && text.includes(answer)
  return expected ? undefined : `${tool} ${JSON.stringify(args)} ${failed ? 'failed' : 'answered'}: ${text.slice(0, 300)}`
}
