/**
 * Adds two numbers. The tool declares an output schema, so the object becomes the structured content of the result.
 *
 * @param {{ a: number, b: number }} args The arguments; they fit the tool's inputSchema.
 * @returns {{ sum: number }}
 */
export default function add ({ a, b }) {
  return { sum: a + b }
}
