import t from 'tap'
import { fixedSection } from '../../src/config/section.ts'

t.test('a fixed section is what it is and never changes', async (t) => {
  const value = { level: 'info' }
  const section = fixedSection(value)
  section.onChange(() => { t.fail('it does not change') })
  t.equal(section.current, value)
})
