import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, evaluate } from "./program.ts";
import { celValueOf } from "./values.ts";

const DECLARATIONS = { variables: { self: "dyn" } };
const SELF = {
  count: 1,
  list: [3, 1, 2],
  text: "abc",
  map: { x: 1 },
  nested: [{ a: 1 }],
  long: Array.from({ length: 1000 }, (_, at) => at),
};

function run(expression: string, budget = { remaining: 1_000_000 }): unknown {
  const compiled = compile(expression, DECLARATIONS);
  assert.ok(compiled.ok, compiled.ok ? "" : `${expression}: ${compiled.error}`);
  const result = evaluate(compiled.program, { self: celValueOf(SELF) }, budget);
  return result.ok ? result.value : `error: ${result.error}`;
}

const RESULTS: readonly (readonly [string, unknown])[] = [
  ["self.count == 1", true],
  ["dyn(self.count) == 1.0", true],
  ["self.list.isSorted()", false],
  ["self.list.sum()", 6n],
  ["self.list.min() + self.list.max()", 4n],
  ["self.list.indexOf(2)", 2n],
  ["self.list.lastIndexOf(7)", -1n],
  ["sets.contains(self.list, [1, 2])", true],
  ["sets.equivalent([1, 2], [2, 1, 1])", true],
  ["sets.intersects([1, 2], [3])", false],
  ["'a1b22'.find('[0-9]+')", "1"],
  ["'a1b22c3'.findAll('[0-9]+', 2) == ['1', '22']", true],
  ["self.text.matches('^a.c$')", true],
  ["matches(self.text, '^a.c$')", true],
  ["self.text.replace('b', 'x')", "axc"],
  ["'aaa'.replace('a', 'b', 2)", "bba"],
  ["'abc'.charAt(1)", "b"],
  ["'%s has %d of %.2f'.format(['x', 3, 1.5])", "x has 3 of 1.50"],
  ["url('https://h.example:80/a?b=c').getPort()", "80"],
  ["url('https://h.example:80/a?b=c').getQuery()['b'][0]", "c"],
  ["url('/only/path').getHost()", ""],
  ["isURL('no url')", false],
  ["ip('10.0.0.1').family()", 4n],
  ["ip.isCanonical('2001:db8:0::1')", false],
  ["ip('127.0.0.1').isGlobalUnicast()", false],
  ["isIP('10.0.0')", false],
  ["cidr('10.0.0.0/8').containsIP('10.1.1.1')", true],
  ["cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')", false],
  ["string(cidr('192.168.1.7/24').masked())", "192.168.1.0/24"],
  ["string(cidr('2001:db8::ff/64').masked())", "2001:db8::/64"],
  ["quantity('1Gi').isGreaterThan(quantity('500M'))", true],
  ["quantity('1Gi') == quantity('1024Mi')", true],
  ["quantity('1500m').add(1).compareTo(quantity('2.5'))", 0n],
  ["isQuantity('1x')", false],
  ["semver('1.2.3').isLessThan(semver('1.10.0'))", true],
  ["semver('1.0.0-rc.1').compareTo(semver('1.0.0'))", -1n],
  ["format.dns1123Label().validate('A_').hasValue()", true],
  ["format.named('uuid').value().validate('x').hasValue()", true],
  ["self.?nope.orValue(5)", 5n],
  ["has(self.nope)", false],
  ["has(self.nested[0].a) && !has(self.nested[0].b)", true],
  ["has(self.nope.more)", "error: No such key: nope"],
  ["format.dns1123Label().validate('a') == null", false],
  ["optional.none() != null", true],
  ["self.map.exists(k, k == 'x')", true],
  ["self.nope", "error: No such key: nope"],
  ["self.count > 'x'", "error: no such overload: dyn<int> > string"],
];

test("evaluate() gives what Kubernetes' libraries give", () => {
  for (const [expression, expected] of RESULTS)
    assert.deepEqual(run(expression), expected, expression);
});

const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["", /empty/],
  ["'a' + 1", /no such overload: string \+ int/],
  ["other.x", /Unknown variable: other/],
  ["self.(", /./],
  ["[1, 2].nope()", /found no matching overload for/],
];

test("compile() refuses what has a wrong form or type", () => {
  for (const [expression, why] of REFUSED) {
    const compiled = compile(expression, DECLARATIONS);
    assert.ok(!compiled.ok, expression);
    assert.match(compiled.error, why, expression);
  }
});

const HOSTILE = [
  "self.long.all(x, self.long.all(y, self.long.all(z, x + y + z >= 0)))",
  "self.long.exists(x, self.long.exists(y, self.long.exists(z, x + y + z < 0)))",
  "self.long.map(x, self.long.map(y, self.long.map(z, z))).size()",
];

test("evaluate() ends an expression that costs more than its budget", () => {
  for (const expression of HOSTILE) {
    const budget = { remaining: 100_000 };
    assert.match(String(run(expression, budget)), /cost exceeds its budget/, expression);
    assert.ok(budget.remaining > -110_000, "it went on long after it had none left");
  }
});

test("evaluate() charges operands by their size", () => {
  const cheap = { remaining: 1_000_000 };
  run("self.text + self.text", cheap);
  const dear = { remaining: 1_000_000 };
  run("self.long + self.long", dear);
  assert.ok(cheap.remaining - dear.remaining > 1900);
});
