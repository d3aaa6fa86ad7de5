import t from 'tap'
import { createBusMemory } from '../../src/stores/bus-memory.ts'
import { createRecorder } from '../helpers/log-recorder.ts'
import { busContract } from './bus-contract.ts'

t.test('events in one process', async (t) => {
  busContract(t, async () => {
    const log = createRecorder()
    const bus = createBusMemory({ logger: log.logger })
    return { here: bus, there: bus, log }
  })
})
