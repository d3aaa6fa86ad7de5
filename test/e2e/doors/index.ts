import { isModern, type OpenDoor, type Revision, type Traits } from './door.ts'
import { plainHttp } from './plain-http.ts'
import { plainLines } from './plain-lines.ts'
import { rest } from './rest.ts'
import { sdk1 } from './sdk-1.ts'
import { sdk2 } from './sdk-2.ts'

const revisions: readonly Revision[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']
const latest = '2025-11-25'
const modern = '2026-07-28'

export interface DoorWay { readonly traits: Traits, readonly open: OpenDoor }

/** Every door to a server that listens. `stateful` is how its configuration says to keep sessions. */
export function httpDoors (stateful: boolean): DoorWay[] {
  return [...doorsOver('http', stateful), door({ name: 'REST', client: 'rest', transport: 'http', sessions: false, revision: modern }, rest)]
}

/** Every door to a server that its client starts. */
export function stdioDoors (): DoorWay[] {
  return doorsOver('stdio', true)
}

function doorsOver (transport: Traits['transport'], stateful: boolean): DoorWay[] {
  const traits = (name: string, client: Traits['client'], revision: Revision): Traits => {
    return { name: `${name} over ${transport}`, client, transport, revision, sessions: stateful && !isModern(revision) }
  }
  const plain = transport === 'http' ? plainHttp : plainLines
  return [
    door(traits('SDK 1.x', 'sdk 1', latest), sdk1),
    door(traits('SDK 2.x, legacy mode,', 'sdk 2', latest), (given) => sdk2(given, 'legacy')),
    door(traits('SDK 2.x, auto mode,', 'sdk 2', modern), (given) => sdk2(given, 'auto')),
    door(traits('SDK 2.x, pinned,', 'sdk 2', modern), (given) => sdk2(given, { pin: modern })),
    ...revisions.map((revision) => door(traits(`plain ${revision}`, 'plain', revision), plain))
  ]
}

function door (traits: Traits, make: (traits: Traits) => OpenDoor): DoorWay {
  return { traits, open: make(traits) }
}
