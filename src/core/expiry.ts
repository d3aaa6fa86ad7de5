import type { Principal } from './ports.ts'

/** The longest that a timer of Node takes. */
const maxTimerMs = 2_147_483_647

/** Calls back once the credential of a caller counts no more: what relied on it has to end. Returns what stops the wait. */
export function whenExpired ({ expiresAtMs }: Principal, act: () => void): () => void {
  if (expiresAtMs === undefined) return () => {}
  let timer: NodeJS.Timeout
  function wait (momentMs: number): void {
    const leftMs = momentMs - Date.now()
    timer = setTimeout(leftMs > maxTimerMs ? () => { wait(momentMs) } : act, Math.min(Math.max(leftMs, 0), maxTimerMs)).unref()
  }
  wait(expiresAtMs)
  return () => { clearTimeout(timer) }
}
