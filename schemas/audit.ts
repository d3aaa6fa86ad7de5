/**
 * What the audit records: the name of each event and what it says. The names are permanent; docs/audit.md lists them and is checked
 * against this file.
 */
export const auditEvents = {
  'server.start': 'The server began, with its version and process.',
  'server.stop': 'The server ended in order.',
  'server.discover': 'A client asked what the server can do (`server/discover`).',
  'server.ping': 'A client asked whether the server is there (`ping`).',
  'session.open': 'A client introduced itself (`initialize`); where sessions are kept, one began.',
  'session.end': 'A client ended its session, or the connection that was the session ended.',
  'session.log-level': 'A client chose the log messages that it gets (`logging/setLevel`).',
  'stream.open': 'A client opened a stream for news (`GET`).',
  'tool.list': 'The tools were listed.',
  'tool.call': 'A tool was called.',
  'prompt.list': 'The prompts were listed.',
  'prompt.get': 'A prompt was fetched.',
  'resource.list': 'The resources were listed.',
  'resource.templates': 'The resource templates were listed.',
  'resource.read': 'A resource was read, by a client or by a call on its behalf.',
  'completion.get': 'Values of an argument were asked for (`completion/complete`).',
  'subscription.open': 'A client asked to be told of changes.',
  'subscription.end': 'A client is told of changes no more.',
  'task.start': 'A call became a task: it goes on in the background.',
  'task.get': 'The state of a task was asked for.',
  'task.update': 'A task was given answers to its questions.',
  'task.cancel': 'A task was cancelled.',
  'request.refused': 'A request was refused before it was known what it is for.',
  'auth.refused': 'A caller did not show who it is, or not validly.',
  'address.refused': 'A request came from an address that is not served.',
  'origin.refused': 'A request named a host, or came from a web page, that is not served.',
  'permission.refused': 'A caller asked for something that it may not use.',
  'rate.refused': 'A caller came more often than it may.',
  'audit.torn': 'The line before this one was cut off when a process died.',
  'audit.dropped': 'Lines could not be written, or calls were refused because of that, before this one.'
} as const

export type AuditEventName = keyof typeof auditEvents

export const auditEventNames = Object.keys(auditEvents) as AuditEventName[]

/** What a filter may name: an event, or all events of an area, such as `tool.*`. */
export const auditFilters: readonly string[] = [...auditEventNames, ...new Set(auditEventNames.map(areaOf))]

/** `tool.*` for `tool.call`. */
export function areaOf (event: AuditEventName): string {
  return `${event.slice(0, event.indexOf('.'))}.*`
}
