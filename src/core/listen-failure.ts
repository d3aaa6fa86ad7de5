/** Where something was to listen, and how people choose another place. */
export interface ListenPlace {
  readonly host: string
  readonly port: number
  /** What decides the port and the host, such as `"port" in the configuration, or PORT`. */
  readonly decidedBy: { readonly port: string, readonly host: string }
}

/** Why nothing listens there, and what to do about it. */
export function listenFailure ({ code, message }: NodeJS.ErrnoException, { host, port, decidedBy }: ListenPlace): string {
  switch (code) {
    case 'EADDRINUSE': return `Port ${port} on ${host} is in use: stop the program that uses it, or choose another port (${decidedBy.port}).`
    case 'EACCES': return `Port ${port} may not be opened by this user: choose one above 1023 (${decidedBy.port}).`
    case 'EADDRNOTAVAIL': return `This machine has no address ${host}: correct ${decidedBy.host}.`
    default: return `The server could not listen on ${host}:${port}: ${message}`
  }
}
