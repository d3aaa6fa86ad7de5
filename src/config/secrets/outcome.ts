/** Why something could not be had: sentences for people, without any secret in them. */
export interface Refusal { problem: string, suggestion?: string }

/** What came of asking for something outside. */
export type Outcome<Value> = { value: Value } | Refusal

export function isRefusal (outcome: Outcome<unknown>): outcome is Refusal {
  return 'problem' in outcome
}
