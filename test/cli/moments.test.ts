import t from 'tap'
import { endText, momentText, readDuration } from '../../src/cli/moments.ts'

const now = Date.parse('2026-01-31T12:00:00.456Z')

t.test('a length of time is a whole number and a unit', async (t) => {
  t.strictSame(['0d', '1m', '90d', '12h', '4w', '99999d'].map(readDuration), [0, 60_000, 7_776_000_000, 43_200_000, 2_419_200_000, 8_639_913_600_000])
  for (const text of ['', 'd', '90', '-1d', '1.5d', '90D', '90 d', '1y', '1d2h', '100000d', 'never', '2027-01-31']) t.equal(readDuration(text), undefined, text)
})

t.test('an end is a length of time from now, never, or what was written', async (t) => {
  t.equal(endText('90d', now), '2026-05-01T12:00:00Z')
  t.equal(endText('0m', now), '2026-01-31T12:00:00Z')
  t.equal(endText('never', now), undefined)
  for (const text of ['2027-01-31', '2027-01-31T00:00:00+02:00', 'tomorrow']) t.equal(endText(text, now), text)
})

t.test('a moment is written to the second', async (t) => {
  t.equal(momentText(now), '2026-01-31T12:00:00Z')
})
