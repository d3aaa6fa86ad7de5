import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './server-process.ts'

type Frame = { functionName: string, url: string, lineNumber: number }
type Profile = { nodes: Array<{ id: number, callFrame: Frame }>, samples: number[], timeDeltas: number[] }

const SHOWN = 25

/** The functions in which a CPU profile spent the most time of their own, idle time left out. */
export function hotFunctions (profile: Profile): Array<{ place: string, share: number }> {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const spent = new Map<string, number>()
  let total = 0
  for (const [index, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    const time = profile.timeDeltas[index] ?? 0
    if (frame === undefined || frame.functionName === '(idle)') continue
    const place = describe(frame)
    spent.set(place, (spent.get(place) ?? 0) + time)
    total += time
  }
  return [...spent]
    .map(([place, time]) => ({ place, share: time / total }))
    .sort((one, other) => other.share - one.share)
    .slice(0, SHOWN)
}

/** A summary of every profile in a folder. */
export function describeProfiles (directory: string): string {
  const files = readdirSync(directory).filter((name) => name.endsWith('.cpuprofile'))
  if (files.length === 0) return `No profile in ${directory}: the server did not end through process.exit.`
  return files.map((file) => {
    const path = join(directory, file)
    const profile: Profile = JSON.parse(readFileSync(path, 'utf8'))
    const lines = hotFunctions(profile).map(({ place, share }) => `${(share * 100).toFixed(1).padStart(5)} %  ${place}`)
    return [`CPU profile (open it in a browser's developer tools): ${path}`, ...lines].join('\n')
  }).join('\n\n')
}

function describe ({ functionName, url, lineNumber }: Frame): string {
  const file = url.replace(/^file:\/\//, '').replace(ROOT, '')
  return file === '' ? functionName || '(native)' : `${functionName || '(anonymous)'} ${file}:${lineNumber + 1}`
}
