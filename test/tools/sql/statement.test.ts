import t from 'tap'
import { readStatement } from '../../../src/tools/sql/statement.ts'

const named = (source: string) => readStatement(source).parameters.map(({ name }) => name)

t.test('each name has one number, in the order in which they come', async (t) => {
  t.match(readStatement('SELECT :b, :a, :b FROM t WHERE x=:a;'), { text: 'SELECT $1, $2, $1 FROM t WHERE x=$2;', parameters: [{ name: 'b', index: 7 }, { name: 'a', index: 11 }], command: 'SELECT' })
  t.strictSame(named('select (:a)::int, -:b, :c+1, f(x := :d), a[:e], :f::text'), ['a', 'b', 'c', 'd', 'e', 'f'])
})

t.test('what looks like a parameter and is none stays as it is', async (t) => {
  const sources = [
    "select ':a', 'it''s :a', '\\', 1", "select E'\\' :a', e'x'':a'", "select U&'\\0061 :a', N':a', B'1', X'f'", 'select ":a", "x"":a"', 'select $$:a$$, $tag$ :a $$ :a $tag$, $é$:a$é$',
    'select 1 -- :a', "select 1 -- it's\n, 2", '/* :a /* nested */ :a */ select 1', 'select x::int, y :: text, z::int[]', 'select a[1:2], a[1 : n], b[lo : hi]', 'select f(x := 1)', 'select a$b, tab$1', 'select 12:: int, 1.5, 1e5'
  ]
  for (const source of sources) t.match(readStatement(source), { text: source, parameters: [] }, source)
  t.match(readStatement("select E'\\'' , :a, $x$'$x$, :b"), { text: "select E'\\'' , $1, $x$'$x$, $2" })
})

t.test('a cast to json is seen, one to an array of it is another', async (t) => {
  t.match(readStatement('select :a::json, :b :: JSONB, :c::jsonb[], :d::text, :e, :e::jsonb, :f::jsonpath').parameters.map(({ asJson }) => asJson), [true, true, false, false, true, false])
})

t.test('the first word is the command, whatever stands before it', async (t) => {
  for (const source of ['  -- x\n /* y */ ((select 1))', 'SeLect 1', '(select 1) union (select 2)']) t.equal(readStatement(source).command, 'SELECT')
})

const faults: readonly (readonly [string, string, RegExp])[] = [
  ['nothing', '', /^There is no statement/],
  ['a comment only', ' -- select 1', /^There is no statement/],
  ['two statements', 'select 1;\n delete from t', /^Only one statement can be run, and a second begins here \(line 2, column 2 of the query\)\.$/],
  ['an open string', "select 'a", /^A string begins here and does not end \(line 1, column 8/],
  ['an open escaped string', "select E'a\\'", /^A string begins here/],
  ['an open name', 'select "a', /^A quoted name begins here/],
  ['an open comment', 'select 1 /* /* */', /^A comment begins here/],
  ['an open dollar quote', 'select $a$ x $b$', /^A dollar-quoted string begins here/],
  ['a number for a name', 'select $1', /^Parameters have names here: write `:name` \(line 1, column 8/],
  ['a NUL', 'select 1\0', /^A NUL character/]
]
for (const [what, source, message] of faults) {
  t.test(`${what} is a fault with its place`, async (t) => { t.throws(() => readStatement(source), { name: 'StatementFault', message }) })
}

t.test('a comment or an empty statement may follow the end', async (t) => {
  for (const source of ['select 1;', 'select 1; -- done', 'select 1; /* done */ ;']) t.equal(readStatement(source).text, source)
})
