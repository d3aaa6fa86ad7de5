const greetings = new Map([['en', 'Hello!'], ['fr', 'Bonjour !'], ['de', 'Guten Tag!'], ['ja', 'こんにちは。']])

/**
 * Reads the resource `greeting://{language}`. Returning nothing says that there is nothing at this address: the client is
 * told that the resource does not exist.
 *
 * @param {{ language: string }} variables The variables of the URI template.
 * @returns {string | undefined}
 */
export default function greeting ({ language }) {
  return greetings.get(language)
}
