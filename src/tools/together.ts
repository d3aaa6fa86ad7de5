import { GantryError, HandlerLoadError } from '../core/errors.ts'

/** Pieces of work that do not need each other: a fault in one does not hide those of the rest. */

type Pieces<Results extends readonly unknown[]> = { [Index in keyof Results]: () => Results[Index] }
type AsyncPieces<Results extends readonly unknown[]> = { [Index in keyof Results]: () => Results[Index] | Promise<Results[Index]> }

/** Does all pieces. Throws the HandlerLoadError of the one that failed, or an AggregateError of several. */
export function allOf<Results extends readonly unknown[]> (...pieces: Pieces<Results>): Results {
  const errors: GantryError[] = []
  const results = pieces.map((piece) => {
    try {
      return piece()
    } catch (error) {
      errors.push(...loadErrors(error))
      return undefined
    }
  })
  if (errors.length > 0) throw combined(errors)
  return results as unknown as Results // every piece gave its own
}

/** Does all pieces at once. Rejects as `allOf` throws. */
export async function together<Results extends readonly unknown[]> (...pieces: AsyncPieces<Results>): Promise<Results> {
  const outcomes = await Promise.allSettled(pieces.map(async (piece) => await piece()))
  const settled = outcomes.map((outcome) => (): unknown => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
  return allOf<Results>(...settled as unknown as Pieces<Results>) // in the order of the pieces
}

/** Does work on what stands under a key. Rejects as the work does, with the key before the paths of its faults. */
export async function below<Result> (key: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw combined(loadErrors(error).map((each) => new HandlerLoadError([key, ...pathOf(each)], each.message, { cause: each })))
  }
}

/** All that was found wrong, when that is what was thrown. Anything else is thrown again. */
export function loadErrors (thrown: unknown): readonly GantryError[] {
  if (thrown instanceof GantryError) return [thrown]
  if (thrown instanceof AggregateError && thrown.errors.every((error) => error instanceof GantryError)) return thrown.errors
  throw thrown
}

/** Where a fault is, seen from the entry that has it. */
export function pathOf (error: GantryError): readonly (string | number)[] {
  return error instanceof HandlerLoadError ? error.path : []
}

function combined (errors: readonly GantryError[]): Error {
  const [first] = errors
  return errors.length === 1 && first !== undefined ? first : new AggregateError(errors, errors.map(({ message }) => message).join('\n'))
}
