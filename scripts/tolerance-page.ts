import { deviations, type Deviation } from '../src/core/tolerance.ts'

/** The text of docs/tolerance.md. */

/** The whole page. */
export function tolerancePage (): string {
  return [introduction, table(), counting, both, never].join('\n\n') + '\n'
}

function table (): string {
  const rows = Object.entries<Deviation>(deviations).map(([name, { where, what, rule, served, refused, reason, seen }]) => {
    return [`\`${name}\``, what, where, rule, served, refused, reason, seen ?? '']
  })
  return [
    '## The deviations',
    [
      '| Name | What the client does | Where | What the specification says | Lenient | Strict | Reason | Seen with |',
      '|---|---|---|---|---|---|---|---|',
      ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    ].join('\n')
  ].join('\n\n')
}

const introduction = `# Tolerance

Clients in the field deviate from the protocol. \`server.protocol.strictness\` says what happens to them:

- \`lenient\`, the default: the deviations below are served and counted.
- \`strict\`: each is refused, with the error in the column "Strict". This is for those who write a client.

A client that deviates in no way is served alike in both. What is not listed is refused in both.

This page is generated from \`src/core/tolerance.ts\`. "Seen with" names a client of which a public report says so; where it is empty, no report names one. The others of that kind, and other versions of the same client, may do better.`

const counting = `## What was borne

Each tolerated deviation is counted, under its name and the name that the client gave itself, and logged at level \`debug\` the first time that a client does it. A client without a name is counted as \`unknown\`. Clients invent their names: they are cut at 64 characters, and when 100 names are counted, further clients are counted together as \`other\`. Programs that embed Gantry read the counts at \`app.core.tolerated\`: a map from the name of a client to a map from the name of a deviation to its count.`

const both = `## Accepted in both modes

What the specification leaves to the server, or what cannot be told apart from the correct form, is no deviation:

- Ids such as \`1.0\`: in JSON this is the number 1. Ids that are digits in quotes: they are strings, and come back as strings.
- Parameters of Content-Type, even malformed ones, as long as the type is \`application/json\`.
- An Accept header with \`*/*\`: it takes both types (RFC 9110 section 12.5.1).
- Requests in an HTTP session before \`notifications/initialized\`: the specification lets the server answer them, and an HTTP session does not keep whether it came.
- A version in initialize that does not exist: it is answered with one that does.
- Unknown members of messages, and notifications with unknown names.`

const never = `## Never tolerated

What another party relies on is refused in both modes, whoever sends it:

- Headers of 2026-07-28 that are missing or differ from the body: proxies route and limit by them.
- Host and Origin headers that are not served, and bodies that a page could send across sites without asking: whatever is not \`application/json\`, or says nothing of its type.
- Sessions that have ended, that are unknown, or that somebody else opened; requests that need a session and name none.
- Batches where the revision has none.
- Protocol versions in the header that are unknown or belong to the other era.
- Arguments as JSON text, or in a list: what a proxy in front could inspect would not be what runs.
- Values of the wrong type inside of a tool's arguments: the schema of the tool decides.
- Ids that are null (in a request), fractional, or beyond the exact integers: the answer could not carry them.
- Cancelling by an id of another type: \`"1"\` does not cancel \`1\`.`
