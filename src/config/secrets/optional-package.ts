import type { Outcome } from './outcome.ts'

/** Loads a package that only some configurations need, and says how to get it where it is not installed. */
export async function loadPackage<Package> (name: string, load: () => Promise<Package>): Promise<Outcome<Package>> {
  try {
    return { value: await load() }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const isAbsent = code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)
    return isAbsent
      ? { problem: `it needs the package ${name}, which is not installed.`, suggestion: `Run "npm install ${name}".` }
      : { problem: `the package ${name} cannot be loaded${typeof code === 'string' ? ` (${code})` : ''}.`, suggestion: `Install it anew: "npm install ${name}".` }
  }
}
