import type t from 'tap'
import { type Door, isObject, type Outcome, type Target, type Test, type Traits } from '../doors/door.ts'
import type { DoorWay } from '../doors/index.ts'

/** Something that holds through every door, with what comes of it where. */
export interface Promised {
  readonly title: string
  act (door: Door): Promise<unknown>
  /** The first case that fits a door says what comes of it there. A door that none fits is a fault of the table. */
  readonly cases: readonly Case[]
}

export type Case = readonly [where: Where, outcome: unknown]
export type Where = (traits: Traits) => boolean

export const anywhere: Where = () => true
export const overRest: Where = ({ client }) => client === 'rest'
export const overHttp: Where = ({ transport }) => transport === 'http'
export const overStdio: Where = ({ transport }) => transport === 'stdio'
export const inSessions: Where = ({ sessions }) => sessions
export const modern: Where = ({ revision }) => revision === '2026-07-28'
export const legacy: Where = (traits) => !modern(traits)
/** Where the server keeps nothing between two requests of a client. */
export const keepsNothing: Where = ({ transport, sessions }) => transport === 'http' && !sessions
export const plain: Where = ({ client }) => client === 'plain'
export const sdk2: Where = ({ client }) => client === 'sdk 2'
/** Revisions that did not know something yet. */
export const before = (revision: Traits['revision']): Where => (traits) => traits.revision < revision
export const both = (...wheres: readonly Where[]): Where => (traits) => wheres.every((where) => where(traits))

/** The official clients lose progress that arrives in one chunk with the answer; on a pipe it does when they are close together. */
export const dropsLateProgress = both(overStdio, (traits) => !plain(traits))

export const everywhere = (outcome: unknown): readonly Case[] => [[anywhere, outcome]]
/** REST serves tools and nothing else. */
export const toolsOnly: Case = [overRest, { impossible: 'REST serves tools' }]

/** A tool result with one text. */
export function said (text: string, more: object = {}): Outcome {
  return { result: { content: [{ type: 'text', text }], ...more } }
}

/** Structured content came with 2025-06-18; until 2026 it was always an object. */
export function structured (value: unknown, where: Where = anywhere): readonly Case[] {
  const text = JSON.stringify(value)
  return [
    [both(where, before('2025-06-18')), said(text)],
    [both(where, legacy), said(text, { structuredContent: isObject(value) ? value : { result: value } })],
    [where, said(text, { structuredContent: value })]
  ]
}

/** A failure inside of a tool: a result that a model can read, and over REST a problem document. */
export function failed (text: string, status: number, code: string, more: object = {}): readonly Case[] {
  return [
    [overRest, { problem: { status, code, detail: text, ...more } }],
    [anywhere, said(text, { isError: true })]
  ]
}

export function refused (code: number | string, message: string): Outcome {
  return { error: { code, message } }
}

/** Opens each door and checks each promise through it. */
export function check (t: Tap, doors: readonly DoorWay[], promises: readonly Promised[], target: (t: Tap) => Promise<Target>): void {
  for (const { traits, open } of doors) {
    t.test(traits.name, async (t) => {
      const door = await open(t, await target(t))
      for (const { title, act, cases } of promises) {
        const found = cases.find(([where]) => where(traits))
        if (found === undefined) t.fail(`no case for this door: ${title}`)
        else t.strictSame(await act(door), found[1], title)
      }
      await door.close()
    })
  }
}

type Tap = Test & Pick<typeof t, 'test'>
