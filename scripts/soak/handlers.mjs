/** What the tools of server.json do that behave. */
export const add = ({ a, b }) => String(a + b)
