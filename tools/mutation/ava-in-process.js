// The part of ava that the tests of the parts use, so that one process can run a test again and again. A failed
// assertion throws at once.

const { AssertionError } = require('node:assert');
const { inspect, isDeepStrictEqual } = require('node:util');

function fail(message, ...values) {
  throw new AssertionError({ message: [message, ...values.map((value) => inspect(value))].join(' ') });
}

/** Whether all that `like` names is in `value`. */
function isLike(value, like) {
  if (like === null || typeof like !== 'object') return Object.is(value, like);
  if (value === null || typeof value !== 'object' || Array.isArray(value) !== Array.isArray(like)) return false;
  if (Array.isArray(like) && like.length !== value.length) return false;
  return Reflect.ownKeys(like).every((key) => isLike(value[key], like[key]));
}

function checkError(error, expected = {}) {
  if (!(error instanceof Error)) fail('nothing was thrown but', error);
  const { instanceOf, name, code, message } = expected;
  if (instanceOf && !(error instanceof instanceOf)) fail('another error', error);
  if (name !== undefined && error.name !== name) fail('another name', error);
  if (code !== undefined && error.code !== code) fail('another code', error);
  const fits =
    message === undefined ||
    (typeof message === 'string' && error.message === message) ||
    (message instanceof RegExp && message.test(error.message)) ||
    (typeof message === 'function' && message(error.message));
  if (!fits) fail('another message', error);
  return error;
}

const check = (holds, ...told) => {
  if (!holds) fail(...told);
  return true;
};

function context(title, shared, endings) {
  const t = {
    title,
    context: shared,
    is: (a, b) => check(Object.is(a, b), 'not the same', a, b),
    not: (a, b) => check(!Object.is(a, b), 'the same', a),
    deepEqual: (a, b) => check(isDeepStrictEqual(a, b), 'not equal', a, b),
    notDeepEqual: (a, b) => check(!isDeepStrictEqual(a, b), 'equal', a),
    like: (a, b) => check(isLike(a, b), 'not like', a, b),
    true: (a) => check(a === true, 'not true', a),
    false: (a) => check(a === false, 'not false', a),
    truthy: (a) => check(a, 'not truthy', a),
    regex: (a, b) => check(b.test(a), 'no match', a, b),
    notRegex: (a, b) => check(!b.test(a), 'a match', a, b),
    pass: () => true,
    fail: (message) => fail(message ?? 'failed'),
    log: () => {},
    timeout: () => {},
    teardown: (ending) => endings.unshift(ending),
    throws: (act, expected) => {
      let error;
      try {
        act();
      } catch (thrown) {
        error = thrown;
      }
      return checkError(error, expected);
    },
    throwsAsync: async (act, expected) => {
      const error = await (typeof act === 'function' ? (async () => act())() : act).then(
        () => undefined,
        (thrown) => thrown,
      );
      return checkError(error, expected);
    },
    notThrows: (act) => act(),
    notThrowsAsync: async (act) => (typeof act === 'function' ? act() : act),
  };
  return t;
}

/** Gathers the tests of the file that is loaded next. */
function gather() {
  const found = { tests: [], befores: [], afters: [] };
  const test = (title, act, ...args) => found.tests.push({ title, act, args });
  test.serial = test;
  test.skip = () => {};
  test.before = (...args) => found.befores.push(args.at(-1));
  test.after = (...args) => found.afters.push(args.at(-1));
  test.after.always = test.after;
  return { found, ava: Object.assign(test, { default: test, __esModule: true }) };
}

/** Runs one test or hook to its end, that of its teardowns included; throws what failed it. */
async function run(title, act, args, shared = {}) {
  const endings = [];
  try {
    await act(context(title, shared, endings), ...args);
  } finally {
    for (const ending of endings) await ending();
  }
}

module.exports = { gather, run };
