/** Why a file that was named could not be read, as a sentence. */
export function fileProblem (error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR': return 'There is no such file.'
    case 'EACCES':
    case 'EPERM': return 'It may not be read by this user.'
    case 'EISDIR': return 'It is a directory.'
    default: return message
  }
}
