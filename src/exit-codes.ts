/** How the programs end. 78 is EX_CONFIG of sysexits(3). */
export const exitCodes = { done: 0, failed: 1, badUsage: 2, badConfiguration: 78 } as const
