/** What a configuration file may cost before it is refused: all far above what one needs. */

/** Bytes of the file. */
export const maxFileBytes = 16 * 1024 * 1024
/** Bytes of a file that `${file:…}` names. */
export const maxSecretBytes = 1024 * 1024
/** Levels of objects and lists. */
export const maxDepth = 100
/** Values once the aliases of YAML are written out. */
export const maxExpandedValues = 1_000_000
/** Syntax faults told about one file: those after the first few mostly follow from them. */
export const maxSyntaxFaults = 10
