const write = process.stdout.write.bind(process.stdout)

/** Prints what a command is for, and waits until it is out. That nobody reads it any more is no fault. */
export async function print (text: string): Promise<void> {
  process.stdout.once('error', () => { /* a broken pipe: the callback below comes all the same */ })
  await new Promise<void>((resolve) => { write(text, () => { resolve() }) })
}

/** Tells the user what went wrong. */
export function complain (text: string): void {
  process.stderr.write(`${text}\n`)
}
