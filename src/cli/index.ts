#!/usr/bin/env node
import { main } from './main.ts'

// Handlers may leave timers and sockets behind; the command decides when it is done.
process.exit(await main(process.argv.slice(2)))
